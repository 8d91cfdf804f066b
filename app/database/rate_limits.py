"""Storage for rate limits in PostgreSQL, so that all workers count together."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg2
from limits.storage import Storage
from psycopg2.extensions import cursor as Cursor
from sqlalchemy.exc import SQLAlchemyError

SCHEME = "daybook"

_INCREMENT = """
INSERT INTO rate_limits AS r (key, hits, expires_at)
VALUES (%(key)s, %(amount)s, now() + make_interval(secs => %(expiry)s))
ON CONFLICT (key) DO UPDATE SET
    hits = CASE WHEN r.expires_at <= now() THEN excluded.hits ELSE r.hits + excluded.hits END,
    expires_at = CASE WHEN r.expires_at <= now() THEN excluded.expires_at ELSE r.expires_at END
RETURNING hits
"""


class PostgresStorage(Storage):
    """Counts in the table `rate_limits`, each count in a transaction of its own.

    Args:
        uri: `daybook://`.
        begin: opens a transaction and yields a cursor.
    """

    STORAGE_SCHEME: list[str] | None = [SCHEME]  # noqa: RUF012 (as its base class declares it)

    def __init__(
        self, uri: str, begin: Callable[[], AbstractContextManager[Cursor]], **options: Any
    ) -> None:
        super().__init__(uri, **options)
        self._begin = begin

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """The errors of the database."""
        return (psycopg2.Error, SQLAlchemyError)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and return how often it was in the window that runs now."""
        given = {"key": key, "amount": amount, "expiry": expiry}
        return int(self._one("SET LOCAL synchronous_commit = off; " + _INCREMENT, given) or 0)

    def get(self, key: str) -> int:
        """Return how often it was in the window that runs now."""
        query = "SELECT hits FROM rate_limits WHERE key = %(key)s AND expires_at > now()"
        return int(self._one(query, {"key": key}) or 0)

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since the epoch."""
        query = """SELECT extract(epoch FROM coalesce(
            (SELECT expires_at FROM rate_limits WHERE key = %(key)s), now()))"""
        return float(self._one(query, {"key": key}) or 0)

    def check(self) -> bool:
        """Whether the database answers."""
        return bool(self._one("SELECT 1", {}) == 1)

    def clear(self, key: str) -> None:
        """Forget one count."""
        self._one("DELETE FROM rate_limits WHERE key = %(key)s RETURNING 1", {"key": key})

    def reset(self) -> int | None:
        """Forget all counts."""
        with self._begin() as cursor:
            cursor.execute("DELETE FROM rate_limits")
            return int(cursor.rowcount)

    def _one(self, query: str, given: dict[str, Any]) -> Any:
        with self._begin() as cursor:
            cursor.execute(query, given)
            row = cursor.fetchone()
            return row[0] if row else None
