"""Environments that models ran in."""

from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Environment(Base):
    """Versions of Python and the libraries that models ran with, known by the digest of their description."""

    __tablename__ = "environments"

    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    description: Mapped[dict[str, Any]]
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
