"""The recorder's book inside a test's own transaction: what it commits is rolled back with the test."""

import contextlib
from collections.abc import Iterator

from psycopg2.extensions import cursor as Cursor
from sqlalchemy import Connection

from app.database.book import Book, Transaction


class Savepoint(Transaction):
    BEGIN, COMMIT = "SAVEPOINT recording", "RELEASE SAVEPOINT recording"
    ROLLBACK = "ROLLBACK TO SAVEPOINT recording"


class RolledBackBook(Book):
    _transaction = Savepoint

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def call(self, *given):
        with self.transaction() as transaction:
            return transaction.call(*given)

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        with contextlib.closing(self._connection.connection.cursor()) as cursor:
            yield cursor
