"""Indexes of fields, which an administrator asks for: a search by such a field does not scan.

An index is of all models that have the field. It costs a few microseconds for every later record of these, so none is made without being asked for. They
are made month by month without keeping writers waiting, and need the rights of the tables' owner.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal
from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from app.access import OPERATOR
from app.extensions import db
from app.models import Model
from app.query.fields import Field, Kind, UnknownFieldError, Vocabulary
from app.services import search
from app.services.errors import ConflictError, UnknownThingError

_PARTITIONS = """
SELECT child.relname FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = 'predictions'::regclass ORDER BY 1 DESC
"""
_IS_ATTACHED = """
SELECT EXISTS (SELECT FROM pg_inherits JOIN pg_index ON indexrelid = inhrelid
               WHERE inhparent = to_regclass(%s) AND indrelid = to_regclass(%s))
"""
_SAME_STATISTICS = """
SELECT stxname FROM pg_statistic_ext WHERE pg_get_statisticsobjdef_expressions(oid) =
    (SELECT pg_get_statisticsobjdef_expressions(oid) FROM pg_statistic_ext WHERE stxname = %s)
"""
_LIST = """
SELECT relname, description FROM pg_description JOIN pg_class ON pg_class.oid = objoid
WHERE relname LIKE 'ix\\_field\\_%' AND relkind = 'I' ORDER BY 2
"""
_DIALECT: Any = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class FieldIndex:
    """An index: its name, and which field of which models it is of."""

    name: str
    field: str
    models: tuple[str, ...]


def index_field(connect: Callable[[], Connection], model: str, name: str) -> Iterator[str]:
    """Make the index of a field, of all models that have it; yield the name of each partition when it has it.

    It may be run again: after it was interrupted it does what is left, and a model that has got the field
    since comes into it.

    Args:
        connect: opens a connection with the rights of the tables' owner.
        model: a model that has the field.
        name: the field's, as in a query.

    Raises:
        UnknownThingError: if there is no such model or field.
        ConflictError: if it is no number.
    """
    field = _find(model, name)
    ids, value = _models_with(field), _value(field)
    index = _name_of(field, list(ids))
    among = SQL(", ").join(Literal(str(one)) for one in ids)
    what = SQL("(({}), id) WHERE model_id = ANY (ARRAY[{}]::uuid[])").format(value, among)
    with closing(connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            told = json.dumps({"field": field.name, "models": list(ids.values())})
            _declare(cursor, index, told, what, value)
            cursor.execute(_PARTITIONS)
            for (partition,) in cursor.fetchall():
                own = f"{index}_{partition.removeprefix('predictions_')}"
                _index_partition(cursor, index, partition, own, what)
                _measure_partition(cursor, index, partition, own, value)
                yield partition
            for old in _list(cursor):
                is_within = old.field == field.name and {*old.models} <= {*ids.values()}
                if is_within and old.name != index:
                    _execute(cursor, "DROP INDEX {}", Identifier(old.name))


def drop_index(connect: Callable[[], Connection], model: str, name: str) -> None:
    """Drop the index of a field, of all models that have it.

    Raises:
        UnknownThingError: if there is none.
    """
    field = _find(model, name)
    with closing(connect()) as connection, connection, connection.cursor() as cursor:
        indexes = _indexes_of(cursor, model, field.name)
        if not indexes:
            raise UnknownThingError(f"There is no index of {name} of {model}.")
        for index in indexes:
            cursor.execute(_SAME_STATISTICS, (index.name,))
            statistics = [one for (one,) in cursor.fetchall()]
            _execute(cursor, "DROP INDEX {}", Identifier(index.name))
            for one in statistics:
                _execute(cursor, "DROP STATISTICS {}", Identifier(one))


def indexed_fields(connect: Callable[[], Connection]) -> list[FieldIndex]:
    """Return the indexes that there are."""
    with closing(connect()) as connection, connection.cursor() as cursor:
        return _list(cursor)


def _list(cursor: Cursor) -> list[FieldIndex]:
    cursor.execute(_LIST)
    told = [(name, json.loads(description)) for name, description in cursor]
    return [FieldIndex(name, one["field"], tuple(one["models"])) for name, one in told]


def _indexes_of(cursor: Cursor, model: str, field: str) -> list[FieldIndex]:
    return [one for one in _list(cursor) if one.field == field and model in one.models]


def _declare(cursor: Cursor, index: str, comment: str, what: Composed, value: SQL) -> None:
    """Make the index of the whole book, without its partitions', and what the planner knows of the values."""
    name = Identifier(index)
    cursor.execute("SET statement_timeout = 0")
    _execute(cursor, "CREATE INDEX IF NOT EXISTS {} ON ONLY predictions {}", name, what)
    _execute(cursor, "CREATE STATISTICS IF NOT EXISTS {} ON ({}) FROM predictions", name, value)
    cursor.execute(SQL("COMMENT ON INDEX {} IS %s").format(name), (comment,))


def _index_partition(cursor: Cursor, index: str, partition: str, own: str, what: Composed) -> None:
    """Give a partition its index, unless it has it: one that was made since got it with the others."""
    cursor.execute(_IS_ATTACHED, (index, partition))
    if cursor.fetchone() == (False,):
        cursor.execute("SET lock_timeout = 0")  # It waits for whoever reads, and nobody for it.
        _execute(cursor, "DROP INDEX CONCURRENTLY IF EXISTS {}", Identifier(own))
        create = "CREATE INDEX CONCURRENTLY {} ON {} {}"
        _execute(cursor, create, Identifier(own), Identifier(partition), what)
        cursor.execute("RESET lock_timeout")
        _execute(cursor, "ALTER INDEX {} ATTACH PARTITION {}", Identifier(index), Identifier(own))


def _measure_partition(cursor: Cursor, index: str, partition: str, own: str, value: SQL) -> None:
    """Let the planner know how a field's values are spread: it does not ask indexes of a part of the rows."""
    cursor.execute(f"{_SAME_STATISTICS} AND stxrelid = to_regclass(%s)", (index, partition))
    if cursor.fetchone() is None:
        create = "CREATE STATISTICS {} ON ({}) FROM {}"
        _execute(cursor, create, Identifier(own), value, Identifier(partition))
    _execute(cursor, "ANALYZE {}", Identifier(partition))


def _value(field: Field) -> SQL:
    """Return the very expression that a search compares, so that the planner knows it again."""
    compiler = _DIALECT.statement_compiler(_DIALECT, None)
    return SQL(compiler.process(search.value_of(field), include_table=False, literal_binds=True))


def _execute(cursor: Cursor, statement: str, *parts: Composable) -> None:
    cursor.execute(SQL(statement).format(*parts))


def _name_of(field: Field, ids: Sequence[UUID]) -> str:
    told = f"{field.path} {sorted(map(str, ids))}"
    return f"ix_field_{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _models_with(field: Field) -> dict[UUID, str]:
    """Return the models that have a field, and in it numbers."""
    known = search.signatures_for(OPERATOR)
    names = [
        model for model in known
        if any((one.path, one.kind) == (field.path, field.kind) for one in search.fields_of(known, model))
    ]  # fmt: skip
    query = select(Model.id, Model.name).where(Model.name.in_(names)).order_by(Model.name)
    return {identifier: name for identifier, name in db.session.execute(query)}  # noqa: C416


def _find(model: str, name: str) -> Field:
    known = search.signatures_for(OPERATOR)
    if model not in known:
        raise UnknownThingError(f"There is no model {model}.")
    every = search.fields_of(known, model)
    fields = [field for field in every if field.path[0] in ("inputs", "output")]
    try:
        field = Vocabulary(fields).find(name)
    except UnknownFieldError as error:
        raise UnknownThingError(str(error)) from None
    if (
        field.kind is not Kind.NUMBER
    ):  # A text too long for an index would keep its record out of the book.
        raise ConflictError(f"{field.name} is no number: only numbers are indexed.")
    return field
