"""The recorder's connections to the book: each is one transaction at a time, begun without a round trip."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg2.extensions import cursor as Cursor

from app.database.patience import Connection, Meanwhile

Row = tuple[Any, ...]


def _nothing() -> None:
    """Do no work meanwhile."""


class Transaction:
    """A transaction that begins with its first statement, in the same message."""

    BEGIN, COMMIT, ROLLBACK = "BEGIN", "COMMIT", "ROLLBACK"

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._begun = False

    def call(
        self, statement: str, parameters: Sequence[Any], work: Callable[[], None] = _nothing
    ) -> list[Row]:
        """Execute a statement that returns rows, and return them; do some work while the server does its own."""
        prefix = "" if self._begun else f"{self.BEGIN};"
        self._begun = True
        return _call(self._cursor, prefix + statement, parameters, work)

    def end(self, how: str) -> None:
        """Commit or roll back."""
        if self._begun:
            self._cursor.execute(how)


class Book:
    """A few connections, kept open; each is used by one thread at a time.

    Args:
        connect: opens a connection.
    """

    _transaction = Transaction

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._idle: deque[Connection] = deque()

    def call(
        self, statement: str, parameters: Sequence[Any], work: Callable[[], None] = _nothing
    ) -> list[Row]:
        """Execute one statement as a transaction of its own: one round trip, committed when it returns.

        Some work is done while the server does its own; what it raises is raised when the statement is committed.
        """
        connection = self._take()
        try:
            with connection.cursor() as cursor:
                return _call(cursor, statement, parameters, work)
        finally:
            self._give_back(connection)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction; it commits at the end of the `with` block, and rolls back when that raises."""
        with self._cursor() as cursor:
            transaction = self._transaction(cursor)
            try:
                yield transaction
            except BaseException:
                if not cursor.connection.closed:
                    transaction.end(transaction.ROLLBACK)
                raise
            transaction.end(transaction.COMMIT)

    def close(self) -> None:
        """Close the connections that nobody uses; new ones open when they are needed."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        connection = self._take()
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            self._give_back(connection)

    def _take(self) -> Connection:
        if self._idle:
            return self._idle.pop()
        connection = self._connect()
        connection.autocommit = True
        return connection

    def _give_back(self, connection: Connection) -> None:
        if connection.closed:
            self.close()  # The others were most likely lost with it.
        else:
            self._idle.append(connection)


def _call(
    cursor: Cursor, statement: str, parameters: Sequence[Any], work: Callable[[], None]
) -> list[Row]:
    meanwhile = cursor.connection.meanwhile = Meanwhile(work)
    try:
        cursor.execute(statement, parameters)
    finally:
        cursor.connection.meanwhile = None
    meanwhile.end()
    return list(cursor.fetchall())
