"""Legal holds: what must not be erased."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class LegalHold(Base):
    """Keeps one prediction, or all of one person, from being erased or dropped until it is lifted."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        CheckConstraint("(prediction_id IS NULL) <> (subject IS NULL)", name="one_of_two"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    placed_at: Mapped[datetime]
    placed_by: Mapped[UUID | None]
    prediction_id: Mapped[UUID | None]
    subject: Mapped[str | None]
    reason: Mapped[str]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]
