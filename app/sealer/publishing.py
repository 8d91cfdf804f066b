"""Publishing checkpoints, and the guard: nothing is signed that contradicts what was published.

A database that was restored from a backup, or copied and used twice, is behind or beside what left the
house. To sign there would make two books of one; it is refused instead, and people are told.
"""

from collections.abc import Sequence

import structlog
from psycopg2.extensions import cursor as Cursor

from app.database.transactions import Begin
from app.ledger import merkle
from app.ledger.checkpoint import Checkpoint
from app.ledger.keys import PublicKey
from app.ledger.strict_text import FormatError
from app.sealer.sinks import Sink, SinkError
from app.sealer.tree import StoredTree
from verifier.errors import Rejected
from verifier.notes import Key, open_checkpoint

log = structlog.get_logger(__name__)

#: Whoever publishes holds this lock: an older checkpoint must not follow a newer one.
_LOCK = "SELECT pg_try_advisory_xact_lock(7233173838382854004)"
_NEWEST = "SELECT size, note FROM ledger_checkpoints ORDER BY size DESC LIMIT 1"
_PUBLISHED = "SELECT size FROM ledger_publications WHERE sink = %s AND error IS NULL"
_NOTE = """
INSERT INTO ledger_publications (sink, size, published_at) VALUES (%s, %s, clock_timestamp())
ON CONFLICT (sink) DO UPDATE
SET size = EXCLUDED.size, published_at = EXCLUDED.published_at, error = NULL, failed_at = NULL
"""
_NOTE_FAILURE = """
INSERT INTO ledger_publications (sink, error, failed_at) VALUES (%s, %s, clock_timestamp())
ON CONFLICT (sink) DO UPDATE SET error = EXCLUDED.error, failed_at = EXCLUDED.failed_at
"""


class SplitViewError(Exception):
    """What was published and what is stored contradict each other; the message says how."""


class Publisher:
    """Reads and writes checkpoints in sinks."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self.sinks = sinks

    def check(self, tree: StoredTree, keys: Sequence[PublicKey]) -> None:
        """Make sure that a tree holds everything that was published.

        One sink that can be read is enough to go on, for the others may be down for a while.

        Args:
            tree: the stored tree, as long as it is known to be.
            keys: those that have signed it.

        Raises:
            SplitViewError: if it does not, or no sink can be read.
        """
        trusted = frozenset(Key.parse(key.to_text()) for key in keys)
        troubles = []
        for sink in self.sinks:
            try:
                note = sink.read()
            except SinkError as trouble:
                troubles.append(str(trouble))
                continue
            if note is not None:
                _compare(sink.name, note, tree, trusted)
        if self.sinks and len(troubles) == len(self.sinks):
            raise SplitViewError(f"No sink can be read: {'; '.join(troubles)}.")

    def publish(self, begin: Begin) -> None:
        """Publish the newest checkpoint wherever it is not yet; a sink that fails is tried again later."""
        if not self.sinks:
            return
        with begin() as cursor:
            cursor.execute(_LOCK)
            if not _one(cursor):
                return
            cursor.execute(_NEWEST)
            if (newest := cursor.fetchone()) is None:
                return
            for sink in self.sinks:
                _publish(cursor, sink, *newest)


def _publish(cursor: Cursor, sink: Sink, size: int, note: str) -> None:
    cursor.execute(_PUBLISHED, (sink.name,))
    if _one(cursor) == size:
        return
    try:
        _refuse_to_go_back(sink, size, note)
        sink.write(size, note.encode())
    except SinkError as trouble:
        log.warning("checkpoint not published", why=str(trouble), size=size)
        cursor.execute(_NOTE_FAILURE, (sink.name, str(trouble)))
    else:
        cursor.execute(_NOTE, (sink.name, size))


def _refuse_to_go_back(sink: Sink, size: int, note: str) -> None:
    """What a sink has is the evidence of a fork, or of a restore: it is never written over."""
    if (there := sink.read()) is None:
        return
    try:
        published = Checkpoint.from_note(there).size
    except FormatError as why:
        raise SinkError(f"{sink.name} has no checkpoint, but something else: {why}") from None
    if published > size or (published == size and there != note.encode()):
        raise SinkError(f"{sink.name} has another book, of size {published:,}")


def _compare(name: str, note: bytes, tree: StoredTree, keys: frozenset[Key]) -> None:
    try:
        published = open_checkpoint(note, keys)
    except Rejected as why:
        raise SplitViewError(f"The checkpoint in {name} is not this book's: {why}.") from None
    if published.size > tree.size:
        raise SplitViewError(
            f"A checkpoint of size {published.size:,} was published in {name}, but the database has"
            f" {tree.size:,} leaves: it was restored from a backup, or is a copy. Nothing is signed."
        )
    if merkle.root(published.size, tree.node) != published.root:
        raise SplitViewError(
            f"The checkpoint of size {published.size:,} in {name} has another root than the database:"
            " the book was changed, or is a copy that went its own way. Nothing is signed."
        )


def _one(cursor: Cursor) -> object:
    row = cursor.fetchone()
    return None if row is None else row[0]
