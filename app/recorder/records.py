"""Records before and after they are written: facts, parts, commitments, leaf hashes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from app.entropy import random_bytes
from app.identifiers import new_id, new_id_text
from app.ledger.commitment import SALT_BYTES, commit
from app.ledger.envelope import PARTS, PredictionFacts, prediction_envelope, timestamp
from app.ledger.merkle import leaf_hash
from app.models import Channel, Role, Status
from app.recorder.encoding import encode
from ml.runtime import Runtime
from ml.validation import Row


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A request from the moment it arrives: who asks, by which door, and since when.

    `client_request_id` is what the client calls it, if anything.
    """

    actor_id: UUID
    token_id: UUID | None
    role: Role
    channel: Channel
    client_request_id: str | None = None
    request_id: UUID = field(default_factory=new_id)
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.perf_counter)

    def now(self) -> str:
        """Return the time by a clock that does not jump while the request lasts, as records have it."""
        return timestamp(self.received_at + timedelta(seconds=time.perf_counter() - self.started))

    @cached_property
    def written(self) -> tuple[str, str, str, str | None]:
        """Request, arrival, actor and token as records have them: written once for all rows."""
        token = None if self.token_id is None else str(self.token_id)
        return str(self.request_id), timestamp(self.received_at), str(self.actor_id), token


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a request was for, as far as it got: of an unknown model nothing is known."""

    model_id: UUID | None = None
    model: str | None = None
    number: int | None = None
    artifact_sha256: bytes | None = None
    environment_sha256: bytes | None = None


@dataclass(frozen=True, kw_only=True)
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
    request_id, received_at, actor_id, token_id = attempt.written
    facts = PredictionFacts(
        new_id_text(), request_id, row, received_at, answered_at, actor_id, token_id, attempt.channel,
        target.model, target.number, target.artifact_sha256, target.environment_sha256, status,
    )  # fmt: skip
    given = {"inputs": inputs, "output": output, "reference": reference, "subject": subject}
    parts, salts, commitments = {}, {}, {}
    for name in PARTS:
        if (part := given[name]) is not None:
            parts[name] = data = part.encode() if isinstance(part, str) else encode(part)
            salts[name] = salt = random_bytes(SALT_BYTES)
            commitments[name] = commit(name, data, salt)
    hashed = leaf_hash(prediction_envelope(facts, commitments))
    return Record(facts, target.model_id, parts, salts, commitments, hashed)
