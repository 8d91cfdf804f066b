"""Findings: records that are not in the book because something is wrong with them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class LedgerFinding(Base):
    """A record that was not sealed, and why. Append-only."""

    __tablename__ = "ledger_findings"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    what: Mapped[str]
    found_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
