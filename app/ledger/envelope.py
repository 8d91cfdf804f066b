"""The envelope of a record: what becomes a leaf of the book.

It is the canonical JSON of the record's unerasable facts and of the commitments to its erasable
parts. It holds no personal data and no free text, so it stays when a part is erased.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.ledger import canonical

VERSION = 1
PARTS = ("inputs", "output", "reference", "subject")


@dataclass(frozen=True, kw_only=True)
class PredictionFacts:
    """The unerasable facts of one prediction.

    Times are aware; digests are 32 bytes. What a refused request never reached is None.
    """

    id: UUID
    request_id: UUID
    row: int
    received_at: datetime
    answered_at: datetime
    actor_id: UUID
    token_id: UUID | None
    channel: str
    model: str | None
    model_version: int | None
    artifact_sha256: bytes | None
    environment_sha256: bytes | None
    status: str


def prediction_envelope(facts: PredictionFacts, commitments: Mapping[str, bytes]) -> bytes:
    """Return the canonical bytes of a prediction's envelope.

    Args:
        facts: the record's unerasable columns.
        commitments: by part name (`PARTS`), for the parts that the record has.
    """
    members: dict[str, Any] = {name: _plain(value) for name, value in vars(facts).items()}
    members |= {"version": VERSION, "kind": "prediction"}
    members["commitments"] = {name: commitments[name].hex() for name in commitments}
    return canonical.encode(members)


def leaf_hash(envelope: bytes) -> bytes:
    """Return the Merkle leaf hash `SHA-256(0x00 ‖ envelope)` (RFC 9162 section 2.1.1)."""
    return hashlib.sha256(b"\x00" + envelope).digest()


def _plain(value: UUID | datetime | bytes | str | int | None) -> str | int | None:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return timestamp(value)
        case bytes():
            return value.hex()
    return value


def timestamp(moment: datetime) -> str:
    """Write an aware time in UTC with microseconds, as `2026-11-20T09:30:00.000000Z` (RFC 3339)."""
    if moment.tzinfo is None:
        raise ValueError("a time without an offset")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
