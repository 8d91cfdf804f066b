"""Idempotency keys: which request was answered under which key of which caller."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class IdempotencyKey(Base):
    """A key that has been used: its records have the `request_id`, and are the answer.

    The key itself is not stored, only its SHA-256; `fingerprint` is an HMAC of the request under the key.
    So nothing here tells what was sent, and nothing is left of it when the record is erased.
    """

    __tablename__ = "idempotency_keys"

    actor_id: Mapped[UUID] = mapped_column(primary_key=True)
    key_sha256: Mapped[bytes] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    request_id: Mapped[UUID]
    kept_since: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
