"""Saved views: queries of the history that somebody gave a name."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.identifiers import new_id
from app.models.base import Base


class SavedView(Base):
    """A query under a name; `shared` lets everybody use it. Nobody sees more records by another's query."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("owner_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    query: Mapped[str]
    shared: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
