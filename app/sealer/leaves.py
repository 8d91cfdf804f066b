"""Leaves: what is stored now of the records that wait to be sealed.

A leaf binds commitments, not the parts themselves: whether those still fit is for the verification of the
whole book to find, which takes its time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor

from app.ledger.envelope import (
    PARTS,
    EventFacts,
    NoticeFacts,
    OutcomeFacts,
    PredictionFacts,
    ReviewFacts,
    event_envelope,
    notice_envelope,
    outcome_envelope,
    prediction_envelope,
    review_envelope,
)
from app.ledger.merkle import leaf_hash

Row = tuple[Any, ...]
#: With more rows in memory the garbage collector takes as long as all the rest.
_AT_ONCE = 64


class Pending(NamedTuple):
    """A record that waits: `leaf_hash` is the one that its client was told, if there was one."""

    kind: str
    id: str
    leaf_hash: bytes | None


class Leaf(NamedTuple):
    """A record's envelope, computed from what is stored now; `fault` says why it must not be sealed."""

    pending: Pending
    envelope: bytes
    hash: bytes
    fault: str | None = None


def read_leaves(cursor: Cursor, waiting: Sequence[Pending]) -> list[Leaf]:
    """Return the leaves of pending records, in the same order."""
    parts = [waiting[at : at + _AT_ONCE] for at in range(0, len(waiting), _AT_ONCE)]
    return [leaf for part in parts for leaf in _read_leaves(cursor, part)]


def _read_leaves(cursor: Cursor, waiting: Sequence[Pending]) -> list[Leaf]:
    found: dict[str, Row] = {}
    for kind in {pending.kind for pending in waiting} & _SOURCES.keys():
        ids = [pending.id for pending in waiting if pending.kind == kind]
        cursor.execute(_SOURCES[kind].statement, (ids,))
        found |= {row[0]: row for row in cursor}
    return [_leaf(pending, found.get(pending.id)) for pending in waiting]


def _leaf(pending: Pending, row: Row | None) -> Leaf:
    if pending.kind not in _SOURCES:
        return Leaf(pending, b"", b"", "it is of a kind that is not known")
    if row is None:
        return Leaf(pending, b"", b"", "the record is gone")
    source = _SOURCES[pending.kind]
    commitments = zip(source.parts, row[source.facts :], strict=True)
    there = {name: bytes(commitment) for name, commitment in commitments if commitment is not None}
    envelope = source.envelope(row[: source.facts], there)
    hashed = leaf_hash(envelope)
    if pending.leaf_hash not in (None, hashed):
        return Leaf(pending, envelope, hashed, "the record is not what its client was answered")
    return Leaf(pending, envelope, hashed)


def _prediction(row: Row, commitments: Mapping[str, bytes]) -> bytes:
    return prediction_envelope(PredictionFacts._make(row), commitments)


def _event(row: Row, commitments: Mapping[str, bytes]) -> bytes:
    return event_envelope(EventFacts._make(row), commitments)


def _outcome(row: Row, commitments: Mapping[str, bytes]) -> bytes:
    return outcome_envelope(OutcomeFacts._make(row), commitments)


def _review(row: Row, commitments: Mapping[str, bytes]) -> bytes:
    return review_envelope(ReviewFacts._make(row), commitments)


def _notice(row: Row, commitments: Mapping[str, bytes]) -> bytes:
    return notice_envelope(NoticeFacts._make(row), commitments)


@dataclass(frozen=True)
class _Source:
    """Where records of a kind are: the first columns are facts, then commitments to its parts."""

    statement: str
    facts: int
    parts: Sequence[str]
    envelope: Callable[[Row, Mapping[str, bytes]], bytes]


def _source(
    table: str,
    facts: Sequence[str],
    parts: Sequence[str],
    envelope: Callable[[Row, Mapping[str, bytes]], bytes],
) -> _Source:
    columns = [_column(name) for name in facts] + [f"{part}_commitment" for part in parts]
    statement = f"SELECT {', '.join(columns)} FROM {table} WHERE id = ANY (%s::uuid[])"  # noqa: S608 (names of ours)
    return _Source(statement, len(facts), parts, envelope)


def _column(fact: str) -> str:
    """Return the column of a fact. Identifiers and times are read as the text that they are in an envelope."""
    if fact == "id" or fact.endswith("_id"):
        return f"{fact}::text"
    if fact == "at" or fact.endswith("_at"):
        return f"to_char({fact} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    return "kind" if fact == "event" else fact


_NOTICES = _source("notices", NoticeFacts._fields, ("basis",), _notice)
_SOURCES = {
    "prediction": _source("predictions", PredictionFacts._fields, PARTS, _prediction),
    "outcome": _source("outcomes", OutcomeFacts._fields, ("value",), _outcome),
    "review": _source("reviews", ReviewFacts._fields, ("correction", "reason", "note"), _review),
    "event": _source("events", EventFacts._fields, ("details",), _event),
    "erasure": _NOTICES,
    "retention": _NOTICES,
    "key_change": _NOTICES,
    "loss": _NOTICES,
}
