"""What runs beside the requests: the schedule, the sealer, verifications; each in a thread of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from flask import Flask

from app.jobs.schedule import run_until
from app.jobs.seal_records import seal_until
from app.jobs.verify_book import verify_until


def background_jobs(app: Flask) -> AbstractContextManager[None]:
    """Run everything for as long as the `with` block lasts."""
    sealer, seconds = app.extensions["sealer"], app.extensions["settings"].seal_seconds
    return running(
        jobs=partial(run_until, app),
        sealer=partial(seal_until, sealer, seconds=seconds),
        verifications=partial(verify_until, app),
    )


@contextmanager
def running(**jobs: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run each job in a thread with its name, until the event it is given is set: when the `with` block ends."""
    stop = threading.Event()
    threads = [threading.Thread(target=job, args=(stop,), name=name) for name, job in jobs.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
