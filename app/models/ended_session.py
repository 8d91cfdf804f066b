"""Sessions that were ended by signing out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class EndedSession(Base):
    """A session whose cookie counts no more, wherever a copy of it is. Forgotten when it would have ended."""

    __tablename__ = "ended_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
