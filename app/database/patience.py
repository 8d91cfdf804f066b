"""Waiting for the database, but not for ever.

`statement_timeout` is kept by the server; one that is frozen or hangs at its disk keeps nothing, and a
socket file knows no timeout. So this side looks at the clock, too: see psycopg2's "Support for coroutine
libraries", whose callback waits for every connection of the process.
"""

import select

import psycopg2
from psycopg2 import extensions

_CONNECT_SECONDS = 5.0


class Connection(extensions.connection):  # type: ignore[misc]
    """A connection that waits at most `longest_wait` seconds for each answer; None: for ever."""

    longest_wait: float | None = _CONNECT_SECONDS


def wait(connection: extensions.connection) -> None:
    """Wait until a connection has its answer. Other connections than ours wait for ever.

    Raises:
        psycopg2.OperationalError: if it takes too long; psycopg2 closes the connection then.
    """
    seconds = getattr(connection, "longest_wait", None)
    while (state := connection.poll()) != extensions.POLL_OK:
        ready = select.poll()
        ready.register(
            connection.fileno(),
            select.POLLIN if state == extensions.POLL_READ else select.POLLOUT,
        )
        if not ready.poll(None if seconds is None else seconds * 1000):
            raise psycopg2.OperationalError(f"no word from the server in {seconds:g} seconds")
