"""Events: anything besides predictions that an auditor cares about."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class EventKind(StrEnum):
    """The kinds of events, named `source:subject:action`. Names are stored, so they stay for ever."""

    USER_CREATED = "user:account:created"
    USER_DISABLED = "user:account:disabled"
    USER_ENABLED = "user:account:enabled"
    SIGNED_IN = "user:session:started"
    SIGNED_OUT = "user:session:ended"
    SIGN_IN_FAILED = "user:session:refused"
    PASSWORD_CHANGED = "user:password:changed"
    TOKEN_CREATED = "user:token:created"
    TOKEN_REVOKED = "user:token:revoked"
    MODEL_REGISTERED = "model:version:registered"
    MODEL_ACTIVATED = "model:version:activated"
    MODEL_DEACTIVATED = "model:version:deactivated"
    MODEL_RETIRED = "model:version:retired"
    MODEL_RESTRICTED = "model:access:restricted"
    MODEL_OPENED = "model:access:opened"
    GRANT_GIVEN = "model:grant:given"
    GRANT_TAKEN = "model:grant:taken"
    HOLD_PLACED = "ledger:hold:placed"
    HOLD_LIFTED = "ledger:hold:lifted"
    RECORD_READ = "user:record:read"
    RECORDS_LISTED = "user:records:listed"
    EXPORT_BEGUN = "user:export:begun"
    EXPORT_ENDED = "user:export:ended"
    QUEUE_OPENED = "user:queue:opened"
    QUEUE_ASSIGNED = "user:queue:assigned"
    QUEUE_CLOSED = "user:queue:closed"
    VERIFICATION_REQUESTED = "ledger:verification:requested"


class Event(Base):
    """One event, append-only.

    `actor_id` is who did it (null for the operator at the command line), `subject_id` what it was
    done to. `details` are canonical JSON and can be erased, like the parts of a prediction.
    """

    __tablename__ = "events"
    __table_args__ = (Index(None, "subject_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any] | None]
    details_salt: Mapped[bytes | None]
    details_commitment: Mapped[bytes | None]
