"""Which errors mean that the database does not answer now: it may again in a moment."""

import psycopg2
import sqlalchemy.exc

from app.database.binaries import EmbeddedPostgresError

_AWAY = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    sqlalchemy.exc.TimeoutError,
    EmbeddedPostgresError,
)


def is_database_away(error: BaseException | None) -> bool:
    """Whether an error means that the database does not answer now.

    A connection that breaks in the midst of an answer is a bare `DatabaseError` of psycopg2: the server
    did not say it, so it has no code.
    """
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        return error.connection_invalidated or is_database_away(error.orig)
    return isinstance(error, _AWAY) or type(error) is psycopg2.DatabaseError
