"""`manage.py work`: the background worker."""

import click
from flask import current_app
from flask.cli import with_appcontext

from app.jobs.background import background_jobs
from app.jobs.schedule import run_due_jobs
from app.signals import told_to_end


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
    end = told_to_end()
    with background_jobs(app):
        end.wait(None)
