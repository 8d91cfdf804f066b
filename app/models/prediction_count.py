"""Counts of predictions by short spans of time, so that no page has to count the book."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class PredictionCount(Base):
    """How many records of a model one finished span of time has, by status. `start` is its beginning."""

    __tablename__ = "prediction_counts"

    start: Mapped[datetime] = mapped_column(primary_key=True)
    model_id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class CountedUntil(Base):
    """A moment until which all records have been counted; the latest one holds."""

    __tablename__ = "counted_until"

    moment: Mapped[datetime] = mapped_column(primary_key=True)
