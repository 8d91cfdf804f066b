"""Leaves: what is stored now of the records that wait to be sealed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg2.extensions import cursor as Cursor

from app.ledger.commitment import SALT_BYTES, commit
from app.ledger.envelope import (
    PARTS,
    EventFacts,
    NoticeFacts,
    PredictionFacts,
    event_envelope,
    notice_envelope,
    prediction_envelope,
)
from app.ledger.merkle import leaf_hash

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Pending:
    """A record that waits: `leaf_hash` is the one that its client was told, if there was one."""

    kind: str
    id: UUID
    leaf_hash: bytes | None


@dataclass(frozen=True)
class Leaf:
    """A record's envelope, computed from what is stored now; `fault` says why it must not be sealed."""

    pending: Pending
    envelope: bytes
    hash: bytes
    fault: str | None = None


@dataclass(frozen=True)
class _Part:
    name: str
    text: str | None
    salt: bytes | None
    commitment: bytes | None

    def fits(self) -> bool:
        """Whether it is what was committed to; one that is erased, or never was there, is not missed."""
        if self.text is None or self.salt is None:
            return self.text is None and self.salt is None
        if len(self.salt) != SALT_BYTES:
            return False
        return commit(self.name, self.text.encode(), self.salt) == self.commitment


def read_leaves(cursor: Cursor, waiting: Sequence[Pending]) -> list[Leaf]:
    """Return the leaves of pending records, in the same order."""
    found: dict[UUID, Row] = {}
    for kind in {pending.kind for pending in waiting}:
        ids = [pending.id for pending in waiting if pending.kind == kind]
        cursor.execute(_SOURCES[kind].statement, (ids,))
        found |= {row[0]: row for row in cursor}
    return [_leaf(pending, found.get(pending.id)) for pending in waiting]


def _leaf(pending: Pending, row: Row | None) -> Leaf:
    if row is None:
        return Leaf(pending, b"", b"", "the record is gone")
    source = _SOURCES[pending.kind]
    facts, parts = row[: source.facts], list(_parts(row[source.facts :], source.parts))
    commitments = {part.name: part.commitment for part in parts if part.commitment is not None}
    envelope = source.envelope(facts, commitments)
    hashed = leaf_hash(envelope)
    if pending.leaf_hash not in (None, hashed):
        return Leaf(pending, envelope, hashed, "the record is not what its client was answered")
    wrong = [part.name for part in parts if not part.fits()]
    fault = f"{', '.join(wrong)}: not what was committed to" if wrong else None
    return Leaf(pending, envelope, hashed, fault)


def _parts(columns: Sequence[Any], names: Iterable[str]) -> Iterator[_Part]:
    """Yield each part: three columns of a row."""
    for number, name in enumerate(names):
        text, salt, commitment = columns[3 * number : 3 * number + 3]
        yield _Part(name, text, _bytes(salt), _bytes(commitment))


def _bytes(value: memoryview | None) -> bytes | None:
    return None if value is None else bytes(value)


def _prediction(row: Row, commitments: Mapping[str, bytes]) -> bytes:
    facts = dict(zip(PredictionFacts.__dataclass_fields__, row, strict=True))
    for name in ("artifact_sha256", "environment_sha256"):
        facts[name] = _bytes(facts[name])
    return prediction_envelope(PredictionFacts(**facts), commitments)


def _event(row: Row, commitments: Mapping[str, bytes]) -> bytes:
    return event_envelope(
        EventFacts(**dict(zip(EventFacts.__dataclass_fields__, row, strict=True))), commitments
    )


def _notice(row: Row, commitments: Mapping[str, bytes]) -> bytes:
    return notice_envelope(
        NoticeFacts(**dict(zip(NoticeFacts.__dataclass_fields__, row, strict=True))), commitments
    )


@dataclass(frozen=True)
class _Source:
    """Where records of a kind are: the first columns are facts, then three for each part."""

    statement: str
    facts: int
    parts: Sequence[str]
    envelope: Callable[[Row, Mapping[str, bytes]], bytes]


def _source(
    table: str,
    facts: type,
    parts: Sequence[str],
    envelope: Callable[[Row, Mapping[str, bytes]], bytes],
) -> _Source:
    names = list(facts.__dataclass_fields__)  # type: ignore[attr-defined]
    columns = [_COLUMNS.get(name, name) for name in names]
    for part in parts:
        columns += [f"{part}::text", f"{part}_salt", f"{part}_commitment"]
    statement = f"SELECT {', '.join(columns)} FROM {table} WHERE id = ANY (%s::uuid[])"  # noqa: S608 (names of ours)
    return _Source(statement, len(names), parts, envelope)


#: Where a fact's column has another name.
_COLUMNS = {"event": "kind"}
_NOTICES = _source("notices", NoticeFacts, ("basis",), _notice)
_SOURCES = {
    "prediction": _source("predictions", PredictionFacts, PARTS, _prediction),
    "event": _source("events", EventFacts, ("details",), _event),
    "erasure": _NOTICES,
    "retention": _NOTICES,
    "key_change": _NOTICES,
    "loss": _NOTICES,
}
