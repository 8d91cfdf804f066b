"""What waits to be sealed."""

from sqlalchemy import Column, LargeBinary, Table, Text, Uuid

from app.models.base import Base

#: A queue without order: each record puts itself in when it is committed, the sealer takes it out.
#: `leaf_hash` is what the client was told, if there was one. Without a key, so not a mapped class.
ledger_pending = Table(
    "ledger_pending",
    Base.metadata,
    Column("kind", Text(), nullable=False),
    Column("id", Uuid(), nullable=False),
    Column("leaf_hash", LargeBinary()),
)
