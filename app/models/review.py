"""Reviews: what people think of answers."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, one_of


class Verdict(StrEnum):
    """Whether a person thinks that an answer is right."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNSURE = "unsure"


class Review(Base):
    """What one person thinks of one answer, append-only.

    `correction` is what the answer should have been, of the kind that the model answers; it, `reason` and `note`
    can be erased, with the prediction. In a queue each person reviews an item once; whoever decides between
    two who disagree `adjudicates`.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint(one_of("verdict", Verdict), name="verdict"),
        UniqueConstraint("queue_id", "prediction_id", "actor_id", "adjudicates"),
        Index(None, "prediction_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    prediction_id: Mapped[UUID]
    actor_id: Mapped[UUID]
    token_id: Mapped[UUID | None]
    queue_id: Mapped[UUID | None]
    verdict: Mapped[str]
    adjudicates: Mapped[bool]
    correction: Mapped[object | None] = mapped_column(JSON(none_as_null=True))
    correction_salt: Mapped[bytes | None]
    correction_commitment: Mapped[bytes | None]
    reason: Mapped[str | None]
    reason_salt: Mapped[bytes | None]
    reason_commitment: Mapped[bytes | None]
    note: Mapped[str | None]
    note_salt: Mapped[bytes | None]
    note_commitment: Mapped[bytes | None]
