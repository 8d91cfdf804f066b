"""Indexes of a model's fields, which an administrator asks for: a search by such a field does not scan.

Each costs a few microseconds for every later record of its model, so none is made without being asked for. They
are made month by month without keeping writers waiting, and need the rights of the tables' owner.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
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
#: Models that have a field of the same name share what is known of its values.
_IS_SHARED = """
SELECT EXISTS (
    SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relname LIKE 'ix\\_field\\_%%' AND relkind = 'I' AND relname <> %s AND pg_get_expr(indexprs, indrelid) =
        (SELECT pg_get_expr(indexprs, indrelid) FROM pg_index WHERE indexrelid = to_regclass(%s)))
"""
_LIST = """
SELECT description FROM pg_description JOIN pg_class ON pg_class.oid = objoid
WHERE relname LIKE 'ix\\_field\\_%' AND relkind = 'I' ORDER BY 1
"""
_DIALECT: Any = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]


def index_field(connect: Callable[[], Connection], model: str, name: str) -> Iterator[str]:
    """Make the index of a model's field; yield the name of each partition when it has it.

    It may be run again after it was interrupted, and does what is left.

    Args:
        connect: opens a connection with the rights of the tables' owner.
        model: the model's name.
        name: the field's, as in a query.

    Raises:
        UnknownThingError: if there is no such model or field.
        ConflictError: if it is no number.
    """
    field = _find(model, name)
    index, value = _name_of(_id_of(model), field), _value(field)
    what = SQL("(({}), id) WHERE model_id = {}").format(value, Literal(str(_id_of(model))))
    with closing(connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            _declare(cursor, index, f"{model} {field.name}", what, value)
            cursor.execute(_PARTITIONS)
            for (partition,) in cursor.fetchall():
                own = f"{index}_{partition.removeprefix('predictions_')}"
                _index_partition(cursor, index, partition, own, what)
                _measure_partition(cursor, index, partition, own, value)
                yield partition


def drop_index(connect: Callable[[], Connection], model: str, name: str) -> None:
    """Drop the index of a model's field.

    Raises:
        UnknownThingError: if there is none.
    """
    index = _name_of(_id_of(model), _find(model, name))
    with closing(connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NULL", (index,))
        if cursor.fetchone() == (True,):
            raise UnknownThingError(f"There is no index of {name} of {model}.")
        cursor.execute(_IS_SHARED, (index, index))
        is_shared = cursor.fetchone() == (True,)
        _execute(cursor, "DROP INDEX {}", Identifier(index))
        cursor.execute(_SAME_STATISTICS + ("LIMIT 0" if is_shared else ""), (index,))
        for (statistics,) in cursor.fetchall():
            _execute(cursor, "DROP STATISTICS {}", Identifier(statistics))


def indexed_fields(connect: Callable[[], Connection]) -> list[str]:
    """Return model and field of each index that there is."""
    with closing(connect()) as connection, connection.cursor() as cursor:
        cursor.execute(_LIST)
        return [text for (text,) in cursor]


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


def _name_of(model_id: UUID, field: Field) -> str:
    return f"ix_field_{hashlib.sha256(f'{model_id} {field.path}'.encode()).hexdigest()[:16]}"


def _id_of(model: str) -> UUID:
    found: UUID | None = db.session.scalar(select(Model.id).where(Model.name == model))
    if found is None:
        raise UnknownThingError(f"There is no model {model}.")
    return found


def _find(model: str, name: str) -> Field:
    _id_of(model)
    every = search.fields_of(search.signatures_for(OPERATOR), model)
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
