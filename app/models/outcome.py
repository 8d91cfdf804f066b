"""Outcomes: what turned out to be true of predictions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Outcome(Base):
    """What turned out to be true of a prediction, append-only: of several the newest one counts.

    `actor_id` is who reported it (null for the operator at the command line). `value` is of the kind that the model answers: one of its classes, a number, or a label. It can be
    erased, with its prediction.
    """

    __tablename__ = "outcomes"
    __table_args__ = (Index(None, "prediction_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    prediction_id: Mapped[UUID]
    actor_id: Mapped[UUID | None]
    token_id: Mapped[UUID | None]
    value: Mapped[object | None] = mapped_column(JSON(none_as_null=True))
    value_salt: Mapped[bytes | None]
    value_commitment: Mapped[bytes]
