"""An answer leaves first; what it need not wait for is done afterwards."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import structlog

from app.tracebacks import place_of

log = structlog.get_logger(__name__)

#: Where a WSGI environment has the list of what is to be done after the answer: only behind `AnswersFirst`.
AFTERWARDS = "daybook.afterwards"

_LOOK_EVERY_SECONDS = 0.01
# For a thread that has done everything, until it is in the server's own code: nothing tells when.
_WAY_BACK_SECONDS = 0.1

Work = list[Callable[[], None]]
WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class AnswersFirst:
    """An application that may leave work in `environ[AFTERWARDS]`.

    Where no other request is being answered, it is done when the server has taken the body and closes it
    (PEP 3333). Else others wait for the thread anyway, and handing a body over in two steps costs them more.
    A client sees the end of a body only after that in HTTP/2, and where no Content-Length tells it before; a
    body that is not there as a whole has none, and is made while it is sent: there the work is done before.

    Args:
        app: the application; what it answers as a list has a Content-Length.
        threads: how many of the server's call it: one alone cannot tell whether others wait.
    """

    def __init__(self, app: WSGI, threads: int) -> None:
        self._app = app
        self._may_leave_first = threads > 1
        # One for each request that is being answered: appending and popping need no lock.
        self._inside: list[None] = []
        self._work_of_threads: dict[int, Work] = {}

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request."""
        inside, thread = self._inside, threading.get_ident()
        # Of a body that the server never closed: the contexts of two requests must not mix.
        _do(self._work_of_threads.get(thread, []))
        work: Work = []
        self._work_of_threads[thread] = environ[AFTERWARDS] = work
        inside.append(None)
        leaves_first = False
        try:
            body = self._app(environ, start_response)
            leaves_first = (
                self._may_leave_first
                and len(inside) == 1
                and isinstance(body, list)
                and environ.get("SERVER_PROTOCOL") != "HTTP/2"
            )
        finally:
            inside.pop()
            if not leaves_first:
                _do(work)
        return _Leaving(body, work) if leaves_first else body

    def finish(self, seconds: float) -> None:
        """Wait until no request is left to answer and nothing to do after one, for some seconds at most.

        For the end of the process: the interpreter ends threads that are still at work, and those of a server
        that is not written in Python do not survive that. Bodies that are made while they are sent are the
        server's to wait for.
        """
        end = time.monotonic() + seconds
        while any(list(self._work_of_threads.values())) and time.monotonic() < end:
            time.sleep(_LOOK_EVERY_SECONDS)
        time.sleep(_WAY_BACK_SECONDS)


class _Leaving:
    """A body that the server takes, and what is done when it has."""

    def __init__(self, body: Iterable[bytes], work: Work) -> None:
        self._body = body
        self._work = work

    def __iter__(self) -> Iterator[bytes]:
        return iter((b"".join(self._body),))

    def close(self) -> None:
        """Do the work, after letting the thread that sends run: it shares the processor, and does not interrupt."""
        os.sched_yield()
        _do(self._work)


def _do(work: Work) -> None:
    while work:
        try:
            work[0]()
        except Exception as error:  # noqa: BLE001 (whatever it is, the answer is made)
            log.error(
                "what follows an answer failed", kind=type(error).__name__, where=place_of(error)
            )
        finally:
            del work[0]  # Not before: what is there is not done.
