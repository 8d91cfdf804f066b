"""The sealer: any number may run, one works at a time, and what it does is one transaction.

Locked head, pending rows, leaves, tiles, consistency, signature, checkpoint, commit; only then is the
checkpoint published. Wherever it is killed, the next one begins again from the last commit: it never
signs a second tree of the same size, for a signature leaves only after its tree is committed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from psycopg2.errors import UniqueViolation
from psycopg2.extensions import cursor as Cursor

from app.database.transactions import Begin
from app.ledger import merkle
from app.ledger.checkpoint import Checkpoint
from app.ledger.keys import PublicKey
from app.ledger.notes import SignedNote
from app.sealer.entering import NotEnteredError, enter_leaves, enter_pending
from app.sealer.leaves import Leaf, Pending, read_leaves
from app.sealer.publishing import Publisher
from app.sealer.signing import KeyStore, SigningKey
from app.sealer.sinks import Sink
from app.sealer.tree import StoredTree, stored_tree, write_tiles
from verifier.errors import Rejected
from verifier.keyring import Keyring
from verifier.merkle import verify_consistency
from verifier.notes import Key

log = structlog.get_logger(__name__)
BATCH = 8192

_LOCK = "SELECT origin, key, size, root FROM ledger_head FOR UPDATE SKIP LOCKED"
_TAKE = """
DELETE FROM ledger_pending WHERE ctid = ANY (ARRAY (SELECT ctid FROM ledger_pending LIMIT %s))
RETURNING kind, id::text, leaf_hash
"""
_FORGET_SEALED = "DELETE FROM ledger_pending p USING ledger_entries e WHERE e.record_id = p.id"
_FORGET_TWICE = """
DELETE FROM ledger_pending WHERE ctid NOT IN (SELECT min(ctid) FROM ledger_pending GROUP BY id)
"""
_SET_ASIDE = """
INSERT INTO ledger_findings (record_id, kind, what)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[]) ON CONFLICT (record_id) DO NOTHING
"""
_SIGN = "INSERT INTO ledger_checkpoints (size, root, note, signed_at) VALUES (%s, %s, %s, clock_timestamp())"
_MOVE = "UPDATE ledger_head SET origin = %s, key = %s, size = %s, root = %s"


@dataclass(frozen=True)
class Head:
    """Where the book ends; without origin and key if nothing was ever sealed."""

    origin: str | None
    key: PublicKey | None
    size: int
    root: bytes


@dataclass(frozen=True)
class Sealed:
    """What one transaction did: how many leaves it added, how many records it set aside."""

    leaves: int
    set_aside: int
    size: int


class Sealer:
    """Seals what waits.

    Args:
        begin: opens a transaction.
        keys: the private keys.
        publisher: reads and writes what is published.
    """

    def __init__(self, begin: Begin, keys: KeyStore, publisher: Publisher) -> None:
        self._begin = begin
        self._keys = keys
        self._publisher = publisher

    def seal(self, limit: int = BATCH) -> Sealed | None:
        """Seal up to `limit` records in one transaction, then publish; None if another sealer is at work.

        Raises:
            SigningKeyError: if the key is not here.
            SplitViewError: if the database is behind, or beside, what was published.
        """
        try:
            sealed = self._seal_once(limit)
        except UniqueViolation:
            sealed = self._seal_once(limit, forget=True)
        if sealed is not None:
            self._publisher.publish(self._begin)
        return sealed

    def seal_all(self) -> int | None:
        """Seal until nothing waits; return the size of the book, or None if another sealer is at work.

        Raises:
            SigningKeyError, SplitViewError: see `seal`.
        """
        while (sealed := self.seal()) is not None:
            if sealed.leaves + sealed.set_aside < BATCH:
                return sealed.size
        return None

    @property
    def sinks(self) -> Sequence[Sink]:
        """Where checkpoints are published."""
        return self._publisher.sinks

    def _seal_once(self, limit: int, *, forget: bool = False) -> Sealed | None:
        with self._begin() as cursor:
            if (head := _lock_head(cursor)) is None:
                return None
            if forget:
                _forget_doubles(cursor)
            return self._seal(cursor, head, limit)

    def _seal(self, cursor: Cursor, head: Head, limit: int) -> Sealed:
        if not (waiting := _take(cursor, limit)):
            return Sealed(0, 0, head.size)
        key = self._keys.find(head.key) if head.key else self._keys.newest()
        tree = stored_tree(cursor, head.size)
        self._publisher.check(tree, self._keys.publics())
        hashes, others = _enter(cursor, head, waiting)
        if hashes:
            _append(cursor, head, tree, hashes)
            _sign(cursor, tree, self._key_after(key, others))
        return Sealed(len(hashes), len(waiting) - len(hashes), tree.size)

    def _key_after(self, key: SigningKey, leaves: Sequence[Leaf]) -> SigningKey:
        """Return the key that signs the tree with these leaves: the last of them that changes it names it."""
        for leaf in leaves:
            if leaf.pending.kind == "key_change":
                change = json.loads(leaf.envelope)["what"]
                if _is_change_of(key, change):
                    key = self._keys.find(PublicKey.from_text(change["new"]))
        return key


def _lock_head(cursor: Cursor) -> Head | None:
    """Lock the head until the transaction ends; None if somebody else has."""
    cursor.execute(_LOCK)
    if (row := cursor.fetchone()) is None:
        return None
    origin, key, size, root = row
    return Head(origin, PublicKey.from_text(key) if key else None, size, bytes(root))


def _is_change_of(key: SigningKey, change: Any) -> bool:
    """Whether a notice says, signed by both, that this key gives way; others are of a book that was lost."""
    keyring = Keyring(frozenset({Key.parse(key.public.to_text())}))
    try:
        keyring.change(change)
    except Rejected:
        return False
    return True


def _forget_doubles(cursor: Cursor) -> None:
    """Remove what waits although it is sealed, or waits twice: nobody but a person can have put it there."""
    for what, statement in (("are sealed", _FORGET_SEALED), ("waited twice", _FORGET_TWICE)):
        cursor.execute(statement)
        if cursor.rowcount:
            log.error(f"records waited that {what}", count=cursor.rowcount)


def _take(cursor: Cursor, limit: int) -> list[Pending]:
    """Return what is sealed next, in the order of its time; a loss comes before what it is about."""
    cursor.execute(_TAKE, (limit,))
    taken = [
        Pending(kind, identifier, None if told is None else bytes(told))
        for kind, identifier, told in cursor
    ]
    return sorted(taken, key=lambda pending: (pending.kind != "loss", pending.id))


def _set_aside(cursor: Cursor, leaves: Sequence[Leaf]) -> None:
    """Keep records out of the book that are not what they were when they were made."""
    if not leaves:
        return
    log.error(
        "records not sealed", count=len(leaves), one=leaves[0].pending.id, why=leaves[0].fault
    )
    cursor.execute(_SET_ASIDE, (
        [leaf.pending.id for leaf in leaves], [leaf.pending.kind for leaf in leaves], [leaf.fault for leaf in leaves],
    ))  # fmt: skip


def _enter(
    cursor: Cursor, head: Head, waiting: Sequence[Pending]
) -> tuple[Sequence[bytes], Sequence[Leaf]]:
    """Enter what waits; return all leaf hashes, and the leaves among which one may change the key.

    Where something must be set aside, which is next to never, everything is looked at one by one.
    """
    cursor.execute("SAVEPOINT entering")
    try:
        return enter_pending(cursor, head.size, waiting)
    except NotEnteredError:
        cursor.execute("ROLLBACK TO SAVEPOINT entering")
    leaves = read_leaves(cursor, waiting)
    good = [leaf for leaf in leaves if leaf.fault is None]
    _set_aside(cursor, [leaf for leaf in leaves if leaf.fault is not None])
    if good:
        enter_leaves(cursor, range(head.size, head.size + len(good)), good)
    return [leaf.hash for leaf in good], good


def _append(cursor: Cursor, head: Head, tree: StoredTree, hashes: Sequence[bytes]) -> None:
    """Append to the tree, and make sure by the verifier's own code that it still begins as it did."""
    write_tiles(cursor, tree.append(hashes))
    proof = merkle.consistency_proof(head.size, tree.size, tree.node) if head.size else []
    verify_consistency(head.size, tree.size, proof, head.root, tree.root())


def _sign(cursor: Cursor, tree: StoredTree, key: SigningKey) -> None:
    text = Checkpoint(key.name, tree.size, tree.root()).to_text()
    note = SignedNote(text, (key.sign(text),)).to_text()
    cursor.execute(_SIGN, (tree.size, tree.root(), note))
    cursor.execute(_MOVE, (key.name, key.public.to_text(), tree.size, tree.root()))
