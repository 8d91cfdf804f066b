"""Artifacts in the database, so that one backup holds everything a replay needs."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Artifact(Base):
    """A serialized estimator, known by its SHA-256; its bytes are in its chunks."""

    __tablename__ = "artifacts"
    __table_args__ = (CheckConstraint("octet_length(sha256) = 32", name="sha256_length"),)

    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    stored_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ArtifactChunk(Base):
    """A piece of an artifact; the pieces in the order of `position` are the whole."""

    __tablename__ = "artifact_chunks"

    sha256: Mapped[bytes] = mapped_column(ForeignKey("artifacts.sha256"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes]
