"""`manage.py serve`: the production server."""

import multiprocessing
import os
import shutil
import socket
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from granian.constants import Interfaces, Loops
from granian.log import LogLevels

from app.database.connections import embedded_server
from app.extensions import db
from app.jobs.background import background_jobs
from app.jobs.make_partitions import make_partitions
from app.readiness import migration_fault
from app.supervisor import Supervisor
from config import PROJECT, Settings

_DRAIN_SECONDS = 30


@click.command()
@click.option("--host", help="The address to listen on (DAYBOOK_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), help="The port (PORT).")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes (WEB_CONCURRENCY).")
@with_appcontext
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve until told to stop; then finish what is in flight and stop everything started here.

    \b
    Example:
        manage.py serve --host 0.0.0.0 --port 8080 --workers 4
    """
    settings: Settings = current_app.extensions["settings"]
    given = {"host": host, "port": port, "workers": workers}
    settings = settings.model_copy(update={k: v for k, v in given.items() if v is not None})
    if fault := migration_fault():
        raise click.ClickException(fault)
    db.session.remove()
    make_partitions()
    db.engine.dispose()
    _check_port(settings)
    _prepare_workers(settings)
    click.echo(f"Daybook listens on http://{settings.host}:{settings.port}", err=True)
    with background_jobs(current_app._get_current_object()):  # type: ignore[attr-defined]
        _server(settings).serve()
    if settings.embedded:
        embedded_server(settings).stop()


def _prepare_workers(settings: Settings) -> None:
    """Set what the workers read from the environment when they start."""
    # A forked worker would share locks and connections with this process: let them start afresh.
    multiprocessing.set_start_method("spawn", force=True)
    counts = _folder_for_counts(settings.home / "metrics")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(counts)


def _server(settings: Settings) -> Supervisor:
    return Supervisor(
        target="app.worker:create_worker_app",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        blocking_threads=settings.threads,
        loop=Loops.asyncio,
        websockets=False,
        workers_kill_timeout=_DRAIN_SECONDS,
        working_dir=PROJECT,
        log_level=LogLevels.error,
    )


def _check_port(settings: Settings) -> None:
    """Refuse a port that is taken: two servers would share it without a word."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            place = f"{settings.host}:{settings.port}"
            raise click.ClickException(
                f"{place} cannot be listened on: {error.strerror}."
            ) from error


def _folder_for_counts(parent: Path) -> Path:
    """Return an empty folder for the counts of this server's workers; remove those of dead servers."""
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.iterdir():
        if not Path("/proc", folder.name).exists() or folder.name == str(os.getpid()):
            shutil.rmtree(folder, ignore_errors=True)
    own = parent / str(os.getpid())
    own.mkdir()
    return own
