"""Tiles of the ledger's tree."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class LedgerTile(Base):
    """Up to 256 hashes, one after another; see `app.ledger.tiles`. Tiles only grow."""

    __tablename__ = "ledger_tiles"

    level: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hashes: Mapped[bytes]
