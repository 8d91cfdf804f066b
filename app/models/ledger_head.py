"""Where the book ends."""

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class LedgerHead(Base):
    """One row, which the sealer locks: size and root of the tree, who signs it, and its name.

    `origin` and `key` (the public one) are null until something is sealed.
    """

    __tablename__ = "ledger_head"
    __table_args__ = (CheckConstraint("id = 1", name="id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    origin: Mapped[str | None]
    key: Mapped[str | None]
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes]
