"""Waiting for the database, but not for ever.

`statement_timeout` is kept by the server; one that is frozen or hangs at its disk keeps nothing, and a
socket file knows no timeout. So this side looks at the clock, too: see psycopg2's "Support for coroutine
libraries", whose callback waits for every connection of the process.
"""

import select
from collections.abc import Callable

import psycopg2
from psycopg2 import extensions

_CONNECT_SECONDS = 5.0
_AWAITED = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}


class Connection(extensions.connection):  # type: ignore[misc]
    """A connection that waits at most `longest_wait` seconds for each answer; None: for ever."""

    longest_wait: float | None = _CONNECT_SECONDS
    meanwhile: "Meanwhile | None" = None


class Meanwhile:
    """Work that is done once, while the server is busy with a statement.

    A connection is closed when it is interrupted, so an error of the work is kept until the statement is done.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work: Callable[[], None] | None = work
        self._error: Exception | None = None

    def begin(self) -> None:
        """Do the work, unless it was begun before."""
        work, self._work = self._work, None
        if work is not None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 (it is raised by `end`)
                self._error = error

    def end(self) -> None:
        """Make sure that the work is done, and raise its error."""
        self.begin()
        if self._error is not None:
            raise self._error


def wait(connection: extensions.connection) -> None:
    """Wait until a connection has its answer. Other connections than ours wait for ever.

    Raises:
        psycopg2.OperationalError: if it takes too long; psycopg2 closes the connection then.
    """
    seconds = getattr(connection, "longest_wait", None)
    meanwhile: Meanwhile | None = getattr(connection, "meanwhile", None)
    while (state := connection.poll()) != extensions.POLL_OK:
        if meanwhile is not None and state == extensions.POLL_READ:  # The statement is sent.
            meanwhile.begin()
        ready = select.poll()
        ready.register(connection.fileno(), _AWAITED[state])
        if not ready.poll(None if seconds is None else seconds * 1000):
            raise psycopg2.OperationalError(f"no word from the server in {seconds:g} seconds")
