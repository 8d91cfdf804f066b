"""Notices: what was done to the book itself."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, one_of


class NoticeKind(StrEnum):
    """The kinds of notices. Names are stored, so they stay for ever."""

    ERASURE = "erasure"
    RETENTION = "retention"
    KEY_CHANGE = "key_change"
    LOSS = "loss"


class Notice(Base):
    """One notice, append-only.

    `actor_id` is who did it (null for the operator at the command line). `what` are canonical JSON
    values without personal data. `basis` says in words why; it can be erased, like a part of a record.
    """

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint(one_of("kind", NoticeKind), name="kind"),
        Index("ix_notices_record", text("(what ->> 'record_id')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    what: Mapped[dict[str, Any]]
    basis: Mapped[str | None]
    basis_salt: Mapped[bytes | None]
    basis_commitment: Mapped[bytes | None]
