"""The whole book: every record exactly one leaf, every leaf a record or explained, every checkpoint on one chain.

Leaves are read once, in their order. What must be remembered about them (which were seen, what is missing)
is in a temporary database on disk, so memory stays flat.
"""

import heapq
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from verifier.errors import Finding, Rejected
from verifier.keyring import Keyring
from verifier.merkle import Tree, hash_leaf
from verifier.notes import open_checkpoint, read_size
from verifier.records import check_parts, compare, missing_parts, read_envelope, read_record
from verifier.tiles import Tiles

_AT_ONCE = 1000
#: What an erasure may take from a prediction; nothing else is ever erased.
ERASABLE = frozenset({"inputs", "output", "reference", "subject"})
_WHOLE = ""


class Stored(NamedTuple):
    """A leaf as it is stored, and the record that belongs to it, if it is there."""

    place: int
    entry: bytes
    record: dict[str, Any] | None
    #: Under which kind and id it is filed, where leaves are.
    label: tuple[str, str] | None = None


class Source(Protocol):
    """Where a book is read from."""

    def checkpoints(self) -> Iterator[bytes]:
        """Yield all checkpoints, the smallest first."""

    def leaves(self) -> Iterator[Stored]:
        """Yield all leaves in their order."""

    def tile(self, level: int, number: int) -> bytes | None:
        """Return a tile, as wide as the book is large."""

    def strays(self) -> Iterator[str]:
        """Yield records that neither are leaves nor wait to be."""


@dataclass
class Report:
    """What was checked, and what was found. `size` and `root` are those of the newest checkpoint that holds."""

    leaves: int = 0
    records: int = 0
    checkpoints: int = 0
    size: int = 0
    root: bytes = b""
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify_book(
    source: Source,
    keyring: Keyring,
    *,
    held: Iterable[bytes] = (),
    receipts: Mapping[str, str] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Check a whole book.

    Args:
        source: the book.
        keyring: whose signatures count.
        held: checkpoints that were kept elsewhere.
        receipts: leaf hashes (hexadecimal) that clients were answered, by the records' ids.
        progress: called now and then with the number of leaves read.
    """
    check = _Check(source, keyring, dict(receipts or {}))
    check.run(held, progress)
    return check.report


class _Check:
    def __init__(self, source: Source, keyring: Keyring, receipts: dict[str, str]) -> None:
        self.report = Report()
        self._source, self._keyring, self._receipts = source, keyring, receipts
        self._tree, self._tiles, self._memory = Tree(), Tiles(source.tile), _Memory()
        self._lost = ""

    def run(self, held: Iterable[bytes], progress: Callable[[int], None]) -> None:
        due = self._checkpoints_in_order(held)
        size, note, where = next(due, _NONE)
        for leaf in self._source.leaves():
            while size == self._tree.size:
                self._check_checkpoint(note, where)
                size, note, where = next(due, _NONE)
            self._check_leaf(leaf)
            if self.report.leaves % _AT_ONCE == 0:
                progress(self.report.leaves)
        while size <= self._tree.size:
            self._check_checkpoint(note, where)
            size, note, where = next(due, _NONE)
        while size != _NEVER:
            self._find(where, f"tells of {size} leaves, but the book has {self._tree.size}")
            size, note, where = next(due, _NONE)
        self._finish()

    def _finish(self) -> None:
        self._find_all("the tree", self._tiles.finish())
        for where, what in self._memory.finish():
            self._find(where, what)
        for stray in self._source.strays():
            self._find(stray, "neither is a leaf of the book nor waits to be one")
        for identifier in self._receipts:
            self._find(f"record {identifier}", "has a receipt, but is not in the book")
        if self.report.size < self._tree.size:
            self._find("the book", f"no checkpoint is signed for its {self._tree.size} leaves")

    def _checkpoints_in_order(self, held: Iterable[bytes]) -> Iterator[tuple[int, bytes, str]]:
        stored = self._sized(self._source.checkpoints(), "the stored checkpoint")
        kept = sorted(self._sized(held, "the checkpoint that was kept"))
        return heapq.merge(stored, kept)

    def _sized(self, notes: Iterable[bytes], where: str) -> Iterator[tuple[int, bytes, str]]:
        for note in notes:
            try:
                size = read_size(note)
            except Rejected as why:
                self._find(where, str(why))
            else:
                yield size, note, f"{where} of size {size}"

    def _check_checkpoint(self, note: bytes, where: str) -> None:
        self.report.checkpoints += 1
        try:
            checkpoint = open_checkpoint(note, self._keyring.trusted)
        except Rejected as why:
            self._find(where, str(why))
            return
        if checkpoint.root != self._tree.root():
            self._find(where, "has another root than the leaves: something before it was changed")
        elif checkpoint.size == self._tree.size:
            self.report.size, self.report.root = checkpoint.size, checkpoint.root

    def _check_leaf(self, leaf: Stored) -> None:
        where = f"leaf {leaf.place}"
        if leaf.place != self._tree.size:
            self._find(where, f"stands where leaf {self._tree.size} should")
        hashed = hash_leaf(leaf.entry)
        self._tree.append(hashed)
        self._find_all(where, self._tiles.append(hashed))
        self.report.leaves += 1
        try:
            said = read_envelope(leaf.entry)
        except Rejected as why:
            self._find(where, str(why))
            return
        where = f"leaf {leaf.place} ({said['kind']} {said['id']})"
        self._memory.note(said["id"], leaf.place)
        if leaf.label is not None and leaf.label != (said["kind"], said["id"]):
            self._find(where, f"is filed as another record, {' '.join(leaf.label)}")
        if self._receipts.pop(said["id"], hashed.hex()) != hashed.hex():
            self._find(where, "is not what the receipt says")
        self._check_record(where, said, leaf)
        self._find_all(where, self._obey(said))

    def _check_record(self, where: str, said: dict[str, Any], leaf: Stored) -> None:
        if leaf.record is None:
            self._memory.miss(said, _WHOLE, leaf.place)
            return
        self.report.records += 1
        try:
            record = read_record(leaf.record)
        except Rejected as why:
            self._find(where, str(why))
            return
        self._find_all(where, compare(said, record))
        self._find_all(where, check_parts(said, record))
        for part in missing_parts(said, record):
            self._memory.miss(said, part, leaf.place)

    def _obey(self, said: dict[str, Any]) -> Iterator[str]:
        """Take note of leaves that explain what is missing, or who signs from here on."""
        what = said.get("what", {})
        try:
            if said["kind"] == "loss":
                self._lost = max(self._lost, said["id"])
            elif said["id"] < self._lost and said["kind"] != "erasure":
                return  # It was done to the book that was lost: here nothing is missing for it.
            elif said["kind"] == "key_change":
                self._keyring.change(what)
            elif said["kind"] == "erasure":
                yield from self._memory.explain_erasure(what["record_id"], what["parts"])
            elif said["kind"] == "retention":
                yield from self._memory.explain_retention(
                    what["from"], what["until"], what["count"]
                )
        except (
            Rejected,
            KeyError,
            TypeError,
            AttributeError,
            ValueError,
            OverflowError,
            sqlite3.Error,
        ) as why:
            yield f"does not say what it should: {why}"

    def _find(self, where: str, what: str) -> None:
        self.report.findings.append(Finding(where, what))

    def _find_all(self, where: str, what: Iterable[str]) -> None:
        self.report.findings += [Finding(where, one) for one in what]


_NEVER = 2**70
_NONE = (_NEVER, b"", "")


class _Memory:
    """Which records were seen, and what is missing of them, on disk."""

    def __init__(self) -> None:
        self._disk = sqlite3.connect("", isolation_level=None)
        self._disk.execute("PRAGMA journal_mode = OFF")
        self._disk.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, leaf INTEGER) WITHOUT ROWID")
        self._disk.execute("CREATE TABLE twice (id TEXT, leaf INTEGER)")
        self._disk.execute(
            "CREATE TABLE missing (id TEXT, part TEXT, kind TEXT, leaf INTEGER, why INTEGER DEFAULT 0, PRIMARY KEY (id, part)) WITHOUT ROWID"
        )
        self._fresh: list[tuple[str, int]] = []

    def note(self, identifier: str, leaf: int) -> None:
        self._fresh.append((identifier, leaf))
        if len(self._fresh) == _AT_ONCE:
            self._write()

    def miss(self, said: dict[str, Any], part: str, leaf: int) -> None:
        self._disk.execute(
            "INSERT OR REPLACE INTO missing (id, part, kind, leaf) VALUES (?, ?, ?, ?)",
            (said["id"], part, said["kind"], leaf),
        )

    def explain_erasure(self, identifier: str, parts: list[str]) -> Iterator[str]:
        for part in parts:
            if part not in ERASABLE:
                raise Rejected(f"{part!r} is no part that can be erased")
            done = self._disk.execute(
                "UPDATE missing SET why = 1 WHERE kind = 'prediction' AND id = ? AND part = ?",
                (identifier, part),
            ).rowcount
            if not done and not self._is_missing(identifier):
                yield f"erases {part} of record {identifier}, which is stored all the same"

    def explain_retention(self, first: str, until: str, count: int) -> Iterator[str]:
        done = self._disk.execute(
            "UPDATE missing SET why = 1"
            " WHERE kind = 'prediction' AND part = ? AND id >= ? AND id < ? AND NOT why",
            (_WHOLE, first, until),
        ).rowcount
        if done != count:
            yield f"drops {count} records, but {done} are missing"

    def finish(self) -> Iterator[tuple[str, str]]:
        self._write()
        for identifier, leaf in self._disk.execute("SELECT id, leaf FROM twice ORDER BY leaf"):
            yield f"leaf {leaf}", f"is a second one of record {identifier}"
        rows = self._disk.execute(
            "SELECT leaf, id, part FROM missing WHERE NOT why ORDER BY leaf, part"
        )
        for leaf, identifier, part in rows:
            where = f"leaf {leaf} (record {identifier})"
            gone = f"{part} is gone" if part else "the record is gone"
            yield where, f"{gone}, and no leaf says why"

    def _is_missing(self, identifier: str) -> bool:
        found = self._disk.execute(
            "SELECT 1 FROM missing WHERE id = ? AND part = ?", (identifier, _WHOLE)
        )
        return found.fetchone() is not None

    def _write(self) -> None:
        self._disk.execute("BEGIN")
        done = self._disk.executemany(
            "INSERT OR IGNORE INTO seen VALUES (?, ?)", self._fresh
        ).rowcount
        if done != len(self._fresh):
            for identifier, leaf in self._fresh:
                self._disk.execute(
                    "INSERT INTO twice SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM seen WHERE id = ? AND leaf = ?)",
                    (identifier, leaf, identifier, leaf),
                )
        self._disk.execute("COMMIT")
        self._fresh.clear()
