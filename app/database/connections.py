"""Connections: one function that opens them, whichever server the settings name."""

import atexit
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions

from app.database.embedded import EmbeddedPostgres
from app.database.patience import Connection, wait
from app.database.rights import BECOME_SERVICE
from config import Settings

_GRACE_SECONDS = 2.0
_servers: dict[Path, EmbeddedPostgres] = {}


def connector(settings: Settings, *, as_owner: bool = False) -> Callable[[], Connection]:
    """Return a function that opens connections to the service's database.

    The embedded server starts with the first connection. Where the server has the service's role
    and this login may take it, connections have its rights only; `as_owner` keeps the login's own,
    which migrations need.
    """
    parameters: dict[str, Any] = {}
    extensions.set_wait_callback(wait)

    def connect() -> Connection:
        connection = _connect(settings, parameters)
        # The server's own limit comes first, if it lives. Migrations have none.
        seconds = settings.statement_timeout_ms / 1000 + _GRACE_SECONDS
        connection.longest_wait = None if as_owner else seconds
        if not as_owner:
            _become_service(connection)
        return connection

    return connect


def _connect(settings: Settings, parameters: dict[str, Any]) -> Connection:
    if not parameters:
        parameters.update(_parameters(settings))
    try:
        return _open(parameters)
    except psycopg2.OperationalError:
        if not settings.embedded or embedded_server(settings).is_alive():
            raise
    # The embedded server was killed: nobody else will start it again.
    parameters.update(_parameters(settings))
    return _open(parameters)


def _open(parameters: Mapping[str, Any]) -> Connection:
    connection: Connection = psycopg2.connect(**parameters, connection_factory=Connection)
    return connection


def _parameters(settings: Settings) -> dict[str, Any]:
    limits = {
        "statement_timeout": settings.statement_timeout_ms,
        "idle_in_transaction_session_timeout": 60_000,
        "lock_timeout": 10_000,
        "timezone": "UTC",
    }
    session = {
        "application_name": "daybook",
        # A server that vanished from the network is noticed in time, not when TCP gives up.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": settings.statement_timeout_ms,
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
    }
    if settings.embedded:
        return session | embedded_server(settings).start()
    return session | {"dsn": settings.database_url}


def embedded_server(settings: Settings) -> EmbeddedPostgres:
    """Return this process's embedded server, which stops when the last process using it ends."""
    if settings.home not in _servers:
        server = _servers[settings.home] = EmbeddedPostgres(settings.home)
        atexit.register(server.stop)
    return _servers[settings.home]


def _become_service(connection: Connection) -> None:
    """Take the service's role where it exists and this login is a member of it."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(BECOME_SERVICE)
    connection.autocommit = False
