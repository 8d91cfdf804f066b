"""Records before and after they are written: facts, parts, commitments, leaf hashes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from app.entropy import random_bytes
from app.identifiers import new_id_text
from app.ledger.commitment import SALT_BYTES, commit
from app.ledger.envelope import PARTS, PredictionFacts, prediction_envelope, timestamp
from app.ledger.merkle import leaf_hash
from app.models import Channel, Role, Status
from app.recorder.encoding import encode
from ml.runtime import Runtime
from ml.validation import Row


@dataclass(eq=False, kw_only=True)
class Attempt:
    """A request from the moment it arrives: who asks, by which door, and since when.

    Identifiers are written as records have them, once for all rows. `client_request_id` is what the client
    calls it, if anything.

    Attributes:
        received_at: the time of its arrival, written.
    """

    actor_id: str
    token_id: str | None
    role: Role
    channel: Channel
    client_request_id: str | None = None
    request_id: str = field(default_factory=new_id_text)
    arrival: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self._started = time.perf_counter()
        self.received_at = timestamp(self.arrival)

    def now(self) -> str:
        """Return the time by a clock that does not jump while the request lasts, as records have it."""
        return timestamp(self.arrival + timedelta(seconds=time.perf_counter() - self._started))


@dataclass(frozen=True, eq=False, kw_only=True)
class Target:
    """What a request was for, as far as it got: of an unknown model nothing is known. Digests are hexadecimal."""

    model_id: UUID | None = None
    model: str | None = None
    number: int | None = None
    artifact_sha256: str | None = None
    environment_sha256: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class LoadedVersion(Target):
    """A model version that is ready to score."""

    runtime: Runtime


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """Validated rows, and for each the caller's reference and the person it is about, if sent."""

    rows: Sequence[Row]
    references: Sequence[str | None]
    subjects: Sequence[str | None]


class Record(NamedTuple):
    """One record of the book, ready to be written or just committed.

    `parts` are the canonical bytes of the erasable parts that it has, by name.
    """

    facts: PredictionFacts
    model_id: UUID | None
    parts: Mapping[str, bytes]
    salts: Mapping[str, bytes]
    commitments: Mapping[str, bytes]
    leaf_hash: bytes


def make_record(
    attempt: Attempt,
    target: Target,
    *,
    row: int,
    status: Status,
    answered_at: str,
    inputs: Any,
    output: Any,
    reference: str | None = None,
    subject: str | None = None,
) -> Record:
    """Return the record of one row, or of a whole refused or failed request."""
    facts = PredictionFacts(
        new_id_text(), attempt.request_id, row, attempt.received_at, answered_at,
        attempt.actor_id, attempt.token_id, attempt.channel, target.model, target.number,
        target.artifact_sha256, target.environment_sha256, status,
    )  # fmt: skip
    given = zip(PARTS, (inputs, output, reference, subject), strict=True)
    parts, salts, commitments = {}, {}, {}
    for name, part in given:
        if part is not None:
            parts[name] = data = part.encode() if isinstance(part, str) else encode(part)
            salts[name] = salt = random_bytes(SALT_BYTES)
            commitments[name] = commit(name, data, salt)
    hashed = leaf_hash(prediction_envelope(facts, commitments))
    return Record(facts, target.model_id, parts, salts, commitments, hashed)
