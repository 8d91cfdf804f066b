"""Threads that come and go all the time: they may take any signal that is for their process.

`python crowd.py wait` waits for SIGTERM again and again, and says so; `python crowd.py serve` is the service with
such threads in its workers.
"""

import os
import signal
import sys
import threading

from app.signals import Interrupt

COUNT = 3


def gather() -> None:
    """Start them, and share a processor with them as a worker's threads do: who is woken waits for its turn."""
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for _ in range(COUNT):
        threading.Thread(target=_come_and_go, daemon=True).start()


def _come_and_go() -> None:
    while True:
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()


def create():
    """Return a worker's application, with a crowd beside it."""
    from app.worker import create_worker_app

    answers_first = create_worker_app()
    gather()
    return answers_first


def _wait() -> None:
    interrupt = Interrupt()
    signal.signal(signal.SIGTERM, lambda *_: interrupt.set())
    gather()
    while True:
        os.write(1, b"waits\n")
        interrupt.wait(None)


def _serve() -> None:
    from app.cli.main import main
    from app.supervisor import Supervisor

    sys.modules["app.cli.serve"].Supervisor = lambda **options: Supervisor(
        **options | {"target": "crowd:create"}
    )
    main()


if __name__ == "__main__":
    _wait() if sys.argv[1] == "wait" else _serve()
