"""The application as a worker of `manage.py serve` runs it: on one processor, and not beyond its parent."""

import atexit
import contextlib
import fcntl
import os
import signal
import threading
import time
from pathlib import Path

from app import create_app
from app.afterwards import WSGI, AnswersFirst
from app.garbage import spare_the_collector
from app.signals import let_first_thread_be_woken, wake_first_thread
from app.supervisor import ready_file

_LOOK_EVERY_SECONDS = 1.0
_FINISH_SECONDS = 20.0  # The parent waits for longer before it kills.


def create_worker_app() -> WSGI:
    """Return the application, and end this process if the one that started it is gone.

    A parent that is killed cannot stop its workers: they would go on serving, unwatched, beside the
    workers of the next one.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # It is for the parent, whoever else gets it.
    let_first_thread_be_woken()
    stays = stay_on_one_processor()
    threading.Thread(target=_follow, args=(os.getppid(), stays), daemon=True).start()
    wake_without_interrupting()
    app = create_app()
    spare_the_collector()
    ready_file(os.getpid()).touch()
    answers_first = AnswersFirst(app, app.extensions["settings"].threads)
    atexit.register(answers_first.finish, _FINISH_SECONDS)
    return answers_first


def _follow(parent: int, stays: bool) -> None:
    """End with the parent; meanwhile let signals be heard, and take the processor that an older worker leaves."""
    while os.getppid() == parent:
        wake_first_thread()
        with contextlib.suppress(OSError):  # Also where the folder went with the parent.
            stays = stays or stay_on_one_processor()
        time.sleep(_LOOK_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def stay_on_one_processor() -> bool:
    """Run all threads of this process on one processor, another one for each worker; return whether.

    One thread at a time runs Python; when the next one runs elsewhere, everything it touches must be
    fetched from there: half of the requests a second were lost to that. A worker that finds none left,
    because there are more workers than processors, stays free.
    """
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    for processor in sorted(os.sched_getaffinity(0)):
        descriptor = os.open(folder / f"processor-{processor}.lock", os.O_WRONLY | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Until this process ends.
        except BlockingIOError:
            os.close(descriptor)
            continue
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(ProcessLookupError):  # It has ended meanwhile.
                os.sched_setaffinity(int(thread.name), {processor})
        return True
    return False


def wake_without_interrupting() -> None:
    """Let threads that wake wait for their turn: the one at work holds what they need, the interpreter."""
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
