"""What must be remembered while a book is read: which leaves were seen, what is missing, what explains it.

It is in a temporary database on disk, so memory stays flat. Explanations count wherever they stand in the
book: an erasure may be sealed before the record that it is about.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any

from .errors import Finding, Rejected

#: What an erasure may take from a prediction and from what belongs to it; nothing else is ever erased.
ERASABLE = frozenset(
    {"inputs", "output", "reference", "subject", "value", "correction", "reason", "note"}
)
#: The kinds of records that belong to a prediction, and name it.
BELONGINGS = frozenset({"outcome", "review"})
_WHOLE = ""
_AT_ONCE = 1000
_LARGEST = 2**63

_TABLES = """
CREATE TABLE seen (id TEXT PRIMARY KEY, leaf INTEGER) WITHOUT ROWID;
CREATE TABLE twice (id TEXT, leaf INTEGER);
CREATE TABLE missing (id TEXT, part TEXT, kind TEXT, prediction TEXT, leaf INTEGER, explained INTEGER DEFAULT 0,
                      PRIMARY KEY (id, part)) WITHOUT ROWID;
CREATE TABLE erasures (leaf TEXT, id TEXT, part TEXT);
CREATE INDEX erasures_of ON erasures (id, part);
CREATE TABLE belongings (id TEXT, prediction TEXT, leaf INTEGER);
CREATE TABLE drops (leaf TEXT, first TEXT, until TEXT, count INTEGER);
"""
_STORED_ALL_THE_SAME = """
SELECT leaf, part, id FROM erasures e WHERE EXISTS (SELECT 1 FROM seen s WHERE s.id = e.id)
    AND NOT EXISTS (SELECT 1 FROM missing m WHERE m.id = e.id AND m.part IN (e.part, ''))
"""
_ERASE = """
UPDATE missing SET explained = 1 WHERE {which} AND part <> ''
    AND EXISTS (SELECT 1 FROM erasures e WHERE e.id = missing.id AND e.part = missing.part)
"""
_DROP = """
UPDATE missing SET explained = 1
WHERE kind = 'prediction' AND part = '' AND id >= ? AND id < ? AND NOT explained
"""
#: What belongs to a prediction goes with it, and never alone.
_IS_GONE = "(SELECT 1 FROM missing p WHERE p.id = missing.prediction AND p.explained AND p.part IN ({parts}))"
_ERASE_BELONGINGS = _ERASE.format(which="EXISTS " + _IS_GONE.format(parts="'output', ''"))
_DROP_BELONGINGS = f"UPDATE missing SET explained = 1 WHERE part = '' AND EXISTS {_IS_GONE}"  # noqa: S608 (no input)
_DROP_BELONGINGS = _DROP_BELONGINGS.format(parts="''")
_ERASE_PREDICTIONS = _ERASE.format(which="kind = 'prediction'")
_OF_NOTHING = """
SELECT leaf, id, prediction FROM belongings b WHERE NOT EXISTS (SELECT 1 FROM seen s WHERE s.id = b.prediction)
ORDER BY leaf
"""


class Memory:
    """What was seen, what is missing of it, and why."""

    def __init__(self) -> None:
        self._disk = sqlite3.connect("", isolation_level=None)
        self._disk.execute("PRAGMA journal_mode = OFF")
        self._disk.executescript(_TABLES)
        self._fresh: list[tuple[str, int]] = []
        #: How many parts are erased, and how many records dropped, as leaves say; known at the end.
        self.erased = self.dropped = 0

    def note(self, said: dict[str, Any], leaf: int) -> None:
        """Remember that a record has a leaf."""
        self._fresh.append((said["id"], leaf))
        if (owner := _owner_of(said)) is not None:
            self._disk.execute("INSERT INTO belongings VALUES (?, ?, ?)", (said["id"], owner, leaf))
        if len(self._fresh) == _AT_ONCE:
            self._write()

    def miss(self, said: dict[str, Any], leaf: int, part: str = _WHOLE) -> None:
        """Remember that a part of a record, or the whole, is not stored."""
        self._disk.execute(
            "INSERT OR REPLACE INTO missing (id, part, kind, prediction, leaf) VALUES (?, ?, ?, ?, ?)",
            (said["id"], part, said["kind"], _owner_of(said), leaf),
        )

    def erase(self, where: str, what: Any) -> None:
        """Remember that a leaf says that parts of a record are erased.

        Raises:
            Rejected: if it does not say which.
        """
        identifier, parts = _texts(what, "record_id")[0], what.get("parts")
        if not isinstance(parts, list):
            raise Rejected("it does not say which parts")
        for part in parts:
            if not isinstance(part, str) or part not in ERASABLE:
                raise Rejected(f"{part!r} is no part that can be erased")
            self._disk.execute("INSERT INTO erasures VALUES (?, ?, ?)", (where, identifier, part))

    def drop(self, where: str, what: Any) -> None:
        """Remember that a leaf says that records were dropped.

        Raises:
            Rejected: if it does not say which.
        """
        first, until = _texts(what, "from", "until")
        if type(count := what.get("count")) is not int or not 0 <= count < _LARGEST:
            raise Rejected("it does not say how many records")
        self._disk.execute("INSERT INTO drops VALUES (?, ?, ?, ?)", (where, first, until, count))

    def finish(self, *, some_wait: bool) -> Iterator[Finding]:
        """Yield what was found when everything is read.

        Args:
            some_wait: whether records wait to be sealed: among them may be what sealed ones are about.
        """
        self._write()
        for identifier, leaf in self._disk.execute("SELECT id, leaf FROM twice ORDER BY leaf"):
            yield Finding(f"leaf {leaf}", f"is a second one of record {identifier}")
        for leaf, identifier, owner in () if some_wait else self._disk.execute(_OF_NOTHING):
            what = f"is about prediction {owner}, which has no leaf"
            yield Finding(f"leaf {leaf} (record {identifier})", what)
        yield from self._explain()
        rows = self._disk.execute(
            "SELECT leaf, id, part FROM missing WHERE NOT explained ORDER BY leaf, part"
        )
        for leaf, identifier, part in rows:
            gone = f"{part} is gone" if part else "the record is gone"
            yield Finding(f"leaf {leaf} (record {identifier})", f"{gone}, and no leaf says why")

    def _explain(self) -> Iterator[Finding]:
        self.erased = self._disk.execute(_ERASE_PREDICTIONS).rowcount
        for where, part, identifier in self._disk.execute(_STORED_ALL_THE_SAME):
            what = f"erases {part} of record {identifier}, which is stored all the same"
            yield Finding(where, what)
        for where, first, until, count in self._disk.execute("SELECT * FROM drops").fetchall():
            done = self._disk.execute(_DROP, (first, until)).rowcount
            self.dropped += done
            if done != count:
                yield Finding(where, f"drops {count} records, but {done} are missing")
        self.dropped += self._disk.execute(_DROP_BELONGINGS).rowcount
        self.erased += self._disk.execute(_ERASE_BELONGINGS).rowcount

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


def _owner_of(said: dict[str, Any]) -> str | None:
    """Return the prediction that a leaf belongs to, None if it belongs to none."""
    found = said.get("prediction_id") if said["kind"] in BELONGINGS else None
    return found if isinstance(found, str) else None


def _texts(what: Any, *names: str) -> list[str]:
    found = [what.get(name) for name in names] if isinstance(what, dict) else []
    texts = [text for text in found if isinstance(text, str) and text.isascii()]
    if len(texts) != len(names):
        raise Rejected(f"it does not say {' and '.join(names)}")
    return texts
