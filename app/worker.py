"""The application as a worker of `manage.py serve` runs it: it does not outlive the server's parent."""

import os
import signal
import threading
import time

from flask import Flask

from app import create_app

_LOOK_EVERY_SECONDS = 1.0


def create_worker_app() -> Flask:
    """Return the application, and end this process if the one that started it is gone.

    A parent that is killed cannot stop its workers: they would go on serving, unwatched, beside the
    workers of the next one.
    """
    threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    return create_app()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
