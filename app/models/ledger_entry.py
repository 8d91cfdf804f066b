"""Entries of the ledger: the leaves in their order."""

from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class LedgerEntry(Base):
    """Leaf `index` of the tree: the envelope of a record, byte for byte. Append-only."""

    __tablename__ = "ledger_entries"

    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    record_id: Mapped[UUID] = mapped_column(unique=True)
    envelope: Mapped[bytes]
