"""Verifications of the whole book."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Verification(Base):
    """One verification: asked for by a person (null: by the schedule), running, or done.

    `leaves` of `size` are read so far; `touched_at` is when that was last true. When it is done, `faults`
    is how many findings there were, `findings` are the first of them.
    """

    __tablename__ = "verifications"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    requested_at: Mapped[datetime]
    requested_by: Mapped[UUID | None]
    touched_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    leaves: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes | None]
    faults: Mapped[int | None]
    findings: Mapped[list[str] | None] = mapped_column(JSON)
