"""`manage.py work`: the background worker."""

import signal
import threading

import click
from flask import current_app
from flask.cli import with_appcontext

from app.jobs.background import background_jobs
from app.jobs.schedule import run_due_jobs


@click.command()
@click.option("--once", is_flag=True, help="Run every job once, then stop.")
@with_appcontext
def work(once: bool) -> None:
    """Run the background jobs until told to stop.

    `manage.py serve` runs them itself; another server such as gunicorn needs this beside it.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if once:
        if failed := run_due_jobs(app, {}):
            raise click.ClickException(f"These jobs failed: {', '.join(failed)}.")
        return
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with background_jobs(app):
        stop.wait()
