"""The base of all tables: naming of constraints, and the Python types of columns."""

import datetime
import uuid
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, LargeBinary, MetaData, Text, Uuid
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of all tables. Times are aware and stored in UTC; identifiers are UUIDv7."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        bytes: LargeBinary(),
        uuid.UUID: Uuid(),
        datetime.datetime: DateTime(timezone=True),
        dict[str, Any]: JSON(),
    }


def one_of(column: str, values: Any) -> str:
    """Return the CHECK condition that a column holds one of the values of an enum."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"
