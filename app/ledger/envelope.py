"""The envelope of a record: what becomes a leaf of the book.

It is the canonical JSON of the record's unerasable facts and of the commitments to its erasable
parts. It holds no personal data and no free text, so it stays when a part is erased.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
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

    Its members are known, so they are written in their order without sorting.

    Args:
        facts: the record's unerasable columns.
        commitments: by part name (`PARTS`), for the parts that the record has.
    """
    given = ",".join(
        f'"{name}":"{commitments[name].hex()}"' for name in PARTS if name in commitments
    )
    return (
        f'{{"actor_id":{_text(facts.actor_id)},"answered_at":"{timestamp(facts.answered_at)}"'
        f',"artifact_sha256":{_digest(facts.artifact_sha256)},"channel":{_word(facts.channel)}'
        f',"commitments":{{{given}}},"environment_sha256":{_digest(facts.environment_sha256)}'
        f',"id":{_text(facts.id)},"kind":"prediction","model":{_word(facts.model)}'
        f',"model_version":{_number(facts.model_version)}'
        f',"received_at":"{timestamp(facts.received_at)}","request_id":{_text(facts.request_id)}'
        f',"row":{_number(facts.row)},"status":{_word(facts.status)}'
        f',"token_id":{_text(facts.token_id)},"version":{VERSION}}}'
    ).encode()


def leaf_hash(envelope: bytes) -> bytes:
    """Return the Merkle leaf hash `SHA-256(0x00 ‖ envelope)` (RFC 9162 section 2.1.1)."""
    return hashlib.sha256(b"\x00" + envelope).digest()


def _text(identifier: UUID | None) -> str:
    return "null" if identifier is None else f'"{identifier}"'


def _digest(digest: bytes | None) -> str:
    return "null" if digest is None else f'"{digest.hex()}"'


def _number(number: int | None) -> str:
    return "null" if number is None else str(int(number))


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
