"""Queues of answers that are to be reviewed, and by whom."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.identifiers import new_id
from app.models.base import Base


class SamplingRule(StrEnum):
    """Which of the records that fit a query a queue is filled with. Names are stored, so they stay for ever."""

    RANDOM = "random"
    LEAST_CONFIDENT = "least_confident"
    NEAREST = "nearest"
    DISAGREEING = "disagreeing"


class ReviewQueue(Base):
    """A queue: what it was filled with, and how many people review each item.

    `query` selects among the records of a model, `rule` samples them; `field` and `threshold` are those of
    `NEAREST`. With two people the second one is blind to what the first one said.
    """

    __tablename__ = "review_queues"
    __table_args__ = (CheckConstraint("people IN (1, 2)", name="people"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    model_id: Mapped[UUID] = mapped_column(ForeignKey("models.id"))
    query: Mapped[str]
    rule: Mapped[str]
    field: Mapped[str | None]
    threshold: Mapped[float | None]
    people: Mapped[int]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(default=func.now())
    closed_at: Mapped[datetime | None]


class ReviewItem(Base):
    """A prediction in a queue, at its place; whoever has it open has claimed it, for a while."""

    __tablename__ = "review_items"
    __table_args__ = (Index(None, "prediction_id"),)

    queue_id: Mapped[UUID] = mapped_column(ForeignKey("review_queues.id"), primary_key=True)
    prediction_id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int]
    claimed_by: Mapped[UUID | None]
    claimed_at: Mapped[datetime | None]


class ReviewAssignment(Base):
    """Somebody who reviews the items of a queue."""

    __tablename__ = "review_assignments"

    queue_id: Mapped[UUID] = mapped_column(ForeignKey("review_queues.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
