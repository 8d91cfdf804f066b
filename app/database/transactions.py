"""Transactions on a plain cursor, for what does not go through the ORM."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

from psycopg2.extensions import cursor as Cursor
from sqlalchemy import Engine

Begin = Callable[[], AbstractContextManager[Cursor]]


def transactions_on(engine: Engine) -> Begin:
    """Return a function that opens a transaction on a connection of its own.

    It commits at the end of the `with` block, and rolls back when the block raises.
    """

    @contextmanager
    def begin() -> Iterator[Cursor]:
        with (
            engine.connect() as connection,
            connection.begin(),
            closing(connection.connection.cursor()) as cursor,
        ):
            yield cursor

    return begin
