"""What runs beside the requests: the schedule, the sealer, verifications; each in a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from app.jobs.schedule import run_until
from app.jobs.seal_records import seal_until
from app.jobs.verify_book import verify_until


@contextmanager
def background_jobs(app: Flask) -> Iterator[None]:
    """Run everything for as long as the `with` block lasts."""
    stop = threading.Event()
    sealing = (app.extensions["sealer"], stop, app.extensions["settings"].seal_seconds)
    threads = [
        threading.Thread(target=run_until, args=(app, stop), name="jobs"),
        threading.Thread(target=seal_until, args=sealing, name="sealer"),
        threading.Thread(target=verify_until, args=(app, stop), name="verifications"),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
