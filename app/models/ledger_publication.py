"""Publications: how far each sink is."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class LedgerPublication(Base):
    """The newest checkpoint that a sink has, and its last error, if the last try failed."""

    __tablename__ = "ledger_publications"

    sink: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int | None] = mapped_column(BigInteger)
    published_at: Mapped[datetime | None]
    error: Mapped[str | None]
    failed_at: Mapped[datetime | None]
