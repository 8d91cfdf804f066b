"""The schedule: which job runs how often, and the loop that runs them."""

import threading
import time
from collections.abc import Callable

import structlog
from flask import Flask

from app.extensions import db
from app.jobs.count_predictions import count_predictions
from app.jobs.forget_ended_sessions import forget_ended_sessions
from app.jobs.forget_idempotency_keys import forget_idempotency_keys
from app.jobs.forget_rate_limits import forget_rate_limits
from app.jobs.make_partitions import make_partitions
from app.jobs.verify_book import request_daily_verification

log = structlog.get_logger(__name__)
_RETRY_SECONDS = 60

#: Each job and the seconds between two runs. Every job may run anywhere, twice, and at once.
SCHEDULE: dict[Callable[[], None], float] = {
    make_partitions: 24 * 3600,
    count_predictions: 60,
    forget_rate_limits: 3600,
    forget_ended_sessions: 3600,
    forget_idempotency_keys: 3600,
    request_daily_verification: 3600,
}


def run_due_jobs(app: Flask, due: dict[Callable[[], None], float]) -> list[str]:
    """Run the jobs whose time (by the monotonic clock) has come, and note their next time in `due`.

    A job that fails is logged and tried again within a minute; the others still run.

    Returns:
        The names of the jobs that failed.
    """
    failed = []
    for job, seconds in SCHEDULE.items():
        if due.get(job, 0) > time.monotonic():
            continue
        due[job] = time.monotonic() + seconds
        with app.app_context():
            try:
                job()
            except Exception as error:  # noqa: BLE001 (the loop must outlive any job)
                db.session.rollback()
                due[job] = time.monotonic() + min(seconds, _RETRY_SECONDS)
                log.error("job failed", job=job.__name__, kind=type(error).__name__)
                failed.append(job.__name__)
    return failed


def run_until(app: Flask, stop: threading.Event) -> None:
    """Run jobs when they are due, until told to stop."""
    due: dict[Callable[[], None], float] = {}
    while not stop.is_set():
        run_due_jobs(app, due)
        stop.wait(max(0.1, min(due.values()) - time.monotonic()))
