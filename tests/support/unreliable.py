"""A book whose connection breaks where a test wants it to."""

import contextlib
from collections.abc import Iterator
from enum import Enum

import psycopg2


class Fate(Enum):
    """When the connection breaks during a transaction; `FINE` if it does not."""

    FINE = "fine"
    BEFORE = "before"
    WITHIN = "within"
    AFTER = "after"


class UnreliableBook:
    """Passes everything on to another book; each transaction has the next of the fates, then all is fine."""

    def __init__(self, book) -> None:
        self.book = book
        self.fates: list[Fate] = []

    def call(self, statement, *given):
        with self.transaction() as transaction:
            return transaction.call(statement, *given)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[object]:
        fate = self.fates.pop(0) if self.fates else Fate.FINE
        _break_if(fate is Fate.BEFORE)
        with self.book.transaction() as transaction:
            yield transaction
            _break_if(fate is Fate.WITHIN)
        _break_if(fate is Fate.AFTER)


def _break_if(broken: bool) -> None:
    if broken:
        raise psycopg2.OperationalError("the connection is lost")
