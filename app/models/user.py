"""People who sign in."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from flask_security import UserMixin
from sqlalchemy import CheckConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.identifiers import new_id
from app.models.base import Base, one_of
from app.models.roles import Role


class User(UserMixin, Base):
    """A person with a role. `fs_uniquifier` names the sessions: a new one ends them all."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(one_of("role", Role), name="role"),
        Index("uq_users_lower_email", text("lower(email)"), unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)  # type: ignore[assignment]
    email: Mapped[str]
    password: Mapped[str]
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    #: No roles for Flask-Security: `app/access.py` alone decides who may do what.
    roles: ClassVar[list[Any]] = []  # type: ignore[misc]
