"""The envelope of a record: what becomes a leaf of the book.

It is the canonical JSON of the record's unerasable facts and of the commitments to its erasable
parts. It holds no personal data and no free text, so it stays when a part is erased.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from app.ledger import canonical

VERSION = 1
PARTS = ("inputs", "output", "reference", "subject")


class PredictionFacts(NamedTuple):
    """The unerasable facts of one prediction.

    Times are aware, or written as `timestamp` writes them, and so are identifiers and digests (32 bytes, or
    hexadecimal): what is the same in many records is written once. What a refused request never reached is None.
    """

    id: UUID | str
    request_id: UUID | str
    row: int
    received_at: datetime | str
    answered_at: datetime | str
    actor_id: UUID | str
    token_id: UUID | str | None
    channel: str
    model: str | None
    model_version: int | None
    artifact_sha256: bytes | str | None
    environment_sha256: bytes | str | None
    status: str


class EventFacts(NamedTuple):
    """The unerasable facts of one event; `event` is its kind, `source:subject:action`."""

    id: UUID | str
    at: datetime | str
    event: str
    actor_id: UUID | str | None
    subject_id: UUID | str | None


class OutcomeFacts(NamedTuple):
    """The unerasable facts of one outcome; what it is, is an erasable part."""

    id: UUID | str
    at: datetime | str
    prediction_id: UUID | str
    actor_id: UUID | str | None
    token_id: UUID | str | None


class ReviewFacts(NamedTuple):
    """The unerasable facts of one review; what its author wrote are erasable parts."""

    id: UUID | str
    at: datetime | str
    prediction_id: UUID | str
    actor_id: UUID | str
    token_id: UUID | str | None
    queue_id: UUID | str | None
    verdict: str
    adjudicates: bool


class NoticeFacts(NamedTuple):
    """The unerasable facts of a notice: what was done to the book itself.

    `what` are JSON values without personal data or free text; which, depends on the kind: "erasure",
    "retention", "key_change" or "loss".
    """

    id: UUID | str
    at: datetime | str
    kind: str
    actor_id: UUID | str | None
    what: dict[str, Any]


def prediction_envelope(facts: PredictionFacts, commitments: Mapping[str, bytes]) -> bytes:
    """Return the canonical bytes of a prediction's envelope.

    Its members are known, so they are written in their order without sorting.

    Args:
        facts: the record's unerasable columns.
        commitments: by part name (`PARTS`), for the parts that the record has.
    """
    given = [f'"{name}":"{commitments[name].hex()}"' for name in PARTS if name in commitments]
    answered_at, received_at = facts.answered_at, facts.received_at
    if not isinstance(answered_at, str):
        answered_at = timestamp(answered_at)
    if not isinstance(received_at, str):
        received_at = timestamp(received_at)
    number = "null" if facts.model_version is None else facts.model_version
    token = "null" if facts.token_id is None else f'"{facts.token_id}"'
    return (
        f'{{"actor_id":"{facts.actor_id}","answered_at":"{answered_at}"'
        f',"artifact_sha256":{_digest(facts.artifact_sha256)},"channel":{_word(facts.channel)}'
        f',"commitments":{{{",".join(given)}}},"environment_sha256":{_digest(facts.environment_sha256)}'
        f',"id":"{facts.id}","kind":"prediction","model":{_word(facts.model)}'
        f',"model_version":{number},"received_at":"{received_at}","request_id":"{facts.request_id}"'
        f',"row":{facts.row},"status":{_word(facts.status)},"token_id":{token},"version":{VERSION}}}'
    ).encode()


def event_envelope(facts: EventFacts, commitments: Mapping[str, bytes]) -> bytes:
    """Return the canonical bytes of an event's envelope; `commitments` may be to its `details`."""
    return _encode(
        "event",
        commitments,
        id=str(facts.id),
        at=_time(facts.at),
        event=facts.event,
        actor_id=_identifier(facts.actor_id),
        subject_id=_identifier(facts.subject_id),
    )


def outcome_envelope(facts: OutcomeFacts, commitments: Mapping[str, bytes]) -> bytes:
    """Return the canonical bytes of an outcome's envelope; `commitments` are to its `value`."""
    return _encode(
        "outcome",
        commitments,
        id=str(facts.id),
        at=_time(facts.at),
        prediction_id=str(facts.prediction_id),
        actor_id=_identifier(facts.actor_id),
        token_id=_identifier(facts.token_id),
    )


def review_envelope(facts: ReviewFacts, commitments: Mapping[str, bytes]) -> bytes:
    """Return the canonical bytes of a review's envelope; `commitments` may be to `correction`, `reason`, `note`."""
    return _encode(
        "review",
        commitments,
        id=str(facts.id),
        at=_time(facts.at),
        prediction_id=str(facts.prediction_id),
        actor_id=str(facts.actor_id),
        token_id=_identifier(facts.token_id),
        queue_id=_identifier(facts.queue_id),
        verdict=facts.verdict,
        adjudicates=facts.adjudicates,
    )


def notice_envelope(facts: NoticeFacts, commitments: Mapping[str, bytes]) -> bytes:
    """Return the canonical bytes of a notice's envelope; `commitments` may be to its `basis`.

    Raises:
        CanonicalFormError: if its `what` has no canonical form.
    """
    return _encode(
        facts.kind,
        commitments,
        id=str(facts.id),
        at=_time(facts.at),
        actor_id=_identifier(facts.actor_id),
        what=facts.what,
    )


def _encode(kind: str, commitments: Mapping[str, bytes], **members: Any) -> bytes:
    hexadecimal = {name: commitment.hex() for name, commitment in commitments.items()}
    return canonical.encode(
        members | {"kind": kind, "version": VERSION, "commitments": hexadecimal}
    )


def _identifier(identifier: UUID | str | None) -> str | None:
    return None if identifier is None else str(identifier)


def _time(moment: datetime | str) -> str:
    return moment if isinstance(moment, str) else timestamp(moment)


def _digest(digest: bytes | str | None) -> str:
    if isinstance(digest, bytes | memoryview):
        return f'"{digest.hex()}"'
    return "null" if digest is None else f'"{digest}"'


@lru_cache(maxsize=1024)
def _word(word: str | None) -> str:
    return canonical.encode(word).decode()


def timestamp(moment: datetime) -> str:
    """Write an aware time in UTC with microseconds, as `2026-11-20T09:30:00.000000Z` (RFC 3339)."""
    if moment.tzinfo is None:
        raise ValueError("a time without an offset")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"
