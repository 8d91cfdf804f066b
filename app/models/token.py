"""Tokens: how programs sign in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.identifiers import new_id
from app.models.base import Base


class Token(Base):
    """A token of a person. Only its SHA-256 is kept; `hint` are its first characters."""

    __tablename__ = "tokens"
    __table_args__ = (CheckConstraint("octet_length(sha256) = 32", name="sha256_length"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    hint: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
