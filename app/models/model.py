"""Registered models and who may use them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.identifiers import new_id
from app.models.base import Base


class Model(Base):
    """A registered name with an owner and a purpose. `active_number` is the version that answers.

    An open model may be used by every analyst, a restricted one by its owner and by those it is
    granted to.
    """

    __tablename__ = "models"
    __table_args__ = (
        CheckConstraint("name ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="name"),
        ForeignKeyConstraint(
            ["id", "active_number"],
            ["model_versions.model_id", "model_versions.number"],
            name="fk_models_active_version",
            use_alter=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    restricted: Mapped[bool] = mapped_column(server_default="false")
    active_number: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Grant(Base):
    """An analyst may use a restricted model."""

    __tablename__ = "grants"

    model_id: Mapped[UUID] = mapped_column(ForeignKey("models.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    granted_at: Mapped[datetime] = mapped_column(server_default=func.now())
