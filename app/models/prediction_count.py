"""Counts of predictions by hour, so that no page has to count the book."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class PredictionCount(Base):
    """How many records of a model one finished hour has, by status. `hour` is its start."""

    __tablename__ = "prediction_counts"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    model_id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class CountedHour(Base):
    """An hour whose records have been counted, even if it had none."""

    __tablename__ = "counted_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
