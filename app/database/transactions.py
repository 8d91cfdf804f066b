"""Transactions on a plain cursor, for what does not go through the ORM."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

from psycopg2.extensions import cursor as Cursor
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, scoped_session

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


@contextmanager
def snapshot(session: scoped_session[Any] | Session) -> Iterator[None]:
    """Let a session read one unchanging state of the database, as long as it takes.

    What the session has not committed is rolled back, before and after.
    """
    session.rollback()
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        with unhurried(session):
            yield
    finally:
        session.rollback()


@contextmanager
def unhurried(session: scoped_session[Any] | Session) -> Iterator[None]:
    """Let a session wait for answers as long as they take; the server has no limit until the transaction ends."""
    waiting = session.connection().connection.dbapi_connection
    usual = getattr(waiting, "longest_wait", None)
    session.execute(text("SET LOCAL statement_timeout = 0"))
    waiting.longest_wait = None  # type: ignore[union-attr]
    try:
        yield
    finally:
        waiting.longest_wait = usual  # type: ignore[union-attr]
