"""Which fields of a model a person wants to see in the list."""

from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class ColumnChoice(Base):
    """The fields, by their names in a query, in the order in which they are shown."""

    __tablename__ = "column_choices"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    model_id: Mapped[UUID] = mapped_column(ForeignKey("models.id"), primary_key=True)
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text()))
