"""`manage.py doctor`: is everything as it should be?"""

import os
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select, text

from app import metrics
from app.database.partitions import MONTHS_AHEAD
from app.database.rights import SERVICE_ROLE
from app.extensions import db
from app.flask_settings import SPARE_CONNECTIONS
from app.models import Artifact
from app.readiness import migration_fault
from app.sealer.sealer import Sealer
from app.sealer.signing import SigningKeyError
from app.services import ledger
from app.services.artifacts import read_stored_artifact
from app.services.runtimes import Runtimes
from config import Settings
from ml import artifact

_LARGEST_CLOCK_DIFFERENCE = 2.0
_LEAST_FREE_BYTES = 2**30
_TRIES_TO_COUNT = 20
_SEALED_WITHIN = timedelta(seconds=60)


class FaultFoundError(Exception):
    """A check failed; the message says what to do."""


class AdviceError(Exception):
    """Nothing is wrong, but it could be better; the message says how."""


@click.command()
@with_appcontext
def doctor() -> None:
    """Check settings, database, artifacts, clock and durability: one line each.

    Exits with 1 if a check fails.
    """
    failed = False
    for check in CHECKS:
        name = check.__name__.removeprefix("_check_").replace("_", " ")
        try:
            click.echo(f"ok    {name}: {check()}")
        except AdviceError as advice:
            click.echo(f"warn  {name}: {advice}")
        except FaultFoundError as trouble:
            failed = True
            click.echo(f"FAIL  {name}: {trouble}")
        except Exception as error:  # noqa: BLE001 (one failing check must not hide the others)
            db.session.rollback()
            failed = True
            click.echo(f"FAIL  {name}: {' '.join(str(error).split())}")
    if failed:
        raise click.ClickException("Something is wrong; see the lines marked FAIL.")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _check_settings() -> str:
    return f"{_settings().environment}, everything on disk is in {_settings().home}"


def _check_disk() -> str:
    home = _settings().home
    if not os.access(home, os.W_OK):
        raise FaultFoundError(f"{home} cannot be written")
    free = shutil.disk_usage(home).free
    if free < _LEAST_FREE_BYTES:
        raise FaultFoundError(f"only {free // 2**20:,} MiB are free in {home}")
    return f"{free // 2**30:,} GiB free"


def _check_database() -> str:
    number = int(_setting("server_version_num")) // 10_000
    if not 15 <= number <= 18:
        raise FaultFoundError(f"PostgreSQL {number} is not supported; use 15 to 18")
    return f"PostgreSQL {_setting('server_version')}"


def _check_connections() -> str:
    settings, have = _settings(), int(_setting("max_connections"))
    need = settings.workers * (settings.threads + SPARE_CONNECTIONS) + SPARE_CONNECTIONS
    if need > have - int(_setting("superuser_reserved_connections")):
        raise FaultFoundError(f"the workers may want {need}, the server has {have} in all")
    return f"{have}, of which the workers may want {need}"


def _check_migrations() -> str:
    if fault := migration_fault():
        raise FaultFoundError(fault)
    return "all applied"


def _check_rights() -> str:
    user = db.session.scalar(text("SELECT current_user"))
    if user == SERVICE_ROLE:
        return f"the service works as {SERVICE_ROLE}, which can only add to the book"
    raise AdviceError(
        f"the service works as {user}: the triggers alone protect the book. Run manage.py db upgrade"
        f" once with a login that may make the role {SERVICE_ROLE}"
    )


def _check_partitions() -> str:
    names = db.session.scalars(
        text("SELECT inhrelid::regclass::text FROM pg_inherits"
             " WHERE inhparent = 'predictions'::regclass ORDER BY 1")
    ).all()  # fmt: skip
    now = datetime.now(UTC)
    this_month = f"predictions_{now:%Y_%m}"
    ahead = [name for name in names if name > this_month]
    if this_month not in names:
        raise FaultFoundError(
            "this month has none; start the service, or run: manage.py work --once"
        )
    return f"{len(names)} months, {len(ahead)} of {MONTHS_AHEAD} ahead"


def _check_durability() -> str:
    if _setting("fsync") != "on" or _setting("full_page_writes") != "on":
        raise FaultFoundError(
            "fsync or full_page_writes is off: a crash can lose or corrupt the book"
        )
    if _setting("synchronous_commit") == "off":
        raise FaultFoundError(
            "synchronous_commit is off: an answer could leave before its record is safe"
        )
    return "fsync, full_page_writes and synchronous_commit are on"


def _check_server_log() -> str:
    quiet = _setting("log_min_error_statement") in ("log", "fatal", "panic")
    if (
        not quiet
        or _setting("log_statement") != "none"
        or _setting("log_min_duration_statement") != "-1"
    ):
        raise AdviceError(
            "the server logs statements with their values, which are personal data; set"
            " log_min_error_statement = panic, log_statement = none, log_min_duration_statement = -1"
        )
    return "the server logs no statements"


def _check_clock() -> str:
    before = datetime.now(UTC)
    theirs = db.session.scalar(text("SELECT clock_timestamp()"))
    difference = (theirs - (before + (datetime.now(UTC) - before) / 2)).total_seconds()
    if abs(difference) > _LARGEST_CLOCK_DIFFERENCE:
        raise FaultFoundError(
            f"the database's clock differs by {difference:+.1f} s; set both by NTP"
        )
    return f"within {abs(difference) * 1000:.0f} ms of the database's"


def _check_artifacts() -> str:
    known = db.session.scalars(select(Artifact.sha256)).all()
    for sha256 in known:
        if artifact.digest(read_stored_artifact(sha256)) != sha256:
            raise FaultFoundError(f"{sha256.hex()} has other bytes than were registered")
    return f"{len(known)} stored, all with the digest they were registered with"


def _check_active_models() -> str:
    runtimes: Runtimes = current_app.extensions["runtimes"]
    if broken := runtimes.broken():
        raise FaultFoundError("; ".join(broken.values()))
    return "all load"


def _check_ledger() -> str:
    """What is recorded is sealed soon, and nothing was set aside."""
    sealer: Sealer = current_app.extensions["sealer"]
    try:
        keys = current_app.extensions["ledger_keys"].all()
    except SigningKeyError as error:
        raise FaultFoundError(str(error)) from error
    now = ledger.status([sink.name for sink in sealer.sinks])
    if not keys and _settings().production:
        raise FaultFoundError(
            "there is no key to sign with; make one: manage.py ledger keys create"
        )
    if now.findings:
        raise FaultFoundError(f"{now.findings:,} records are set aside; see the audit page")
    if now.oldest_pending_at and datetime.now(UTC) - now.oldest_pending_at > _SEALED_WITHIN:
        raise FaultFoundError(
            f"{now.pending:,} records wait, the oldest since {now.oldest_pending_at:%Y-%m-%d %H:%M:%S} UTC;"
            " is the service running? See its log for why nothing is sealed"
        )
    if failing := [sink.name for sink in now.sinks if sink.error]:
        raise FaultFoundError(f"checkpoints do not reach {', '.join(failing)}")
    if not now.sinks:
        raise AdviceError(
            f"{now.size:,} leaves; set DAYBOOK_CHECKPOINT_SINKS, or nobody can prove that none was changed"
        )
    return (
        f"{now.size:,} leaves, {now.pending:,} records wait, published in {len(now.sinks)} places"
    )


def _check_counts() -> str:
    """Every request for predictions has one fate.

    A busy worker counts on while it is read, so what is missing wavers about nothing; what is always
    missing, or always too much, is a fault.
    """
    folders = [path for path in (_settings().home / "metrics").glob("*") if path.is_dir()]
    signs: dict[int, set[int]] = defaultdict(set)
    for _ in range(_TRIES_TO_COUNT):
        found = [balance for folder in folders for balance in metrics.balances(folder)]
        for balance in found:
            if balance.is_alive:
                signs[balance.pid].add((balance.missing > 0) - (balance.missing < 0))
        if not any(seen in ({1}, {-1}) for seen in signs.values()):
            break
        time.sleep(0.05)
    else:
        missing = sum(balance.missing for balance in found if balance.is_alive)
        raise FaultFoundError(f"{missing} requests for predictions have no fate, or more than one")
    broken_off = sum(balance.missing for balance in found if not balance.is_alive)
    return (
        f"{sum(b.asked for b in found):,} requests for predictions since the start of serve,"
        f" {sum(b.answered for b in found):,} answered,"
        f" {sum(b.in_flight for b in found if b.is_alive):,} in flight,"
        f" {broken_off:,} broken off with workers that died"
    )


def _setting(name: str) -> str:
    return str(db.session.scalar(text("SELECT current_setting(:name)"), {"name": name}))


CHECKS: tuple[Callable[[], str], ...] = (
    _check_settings,
    _check_disk,
    _check_database,
    _check_connections,
    _check_migrations,
    _check_rights,
    _check_partitions,
    _check_durability,
    _check_server_log,
    _check_clock,
    _check_artifacts,
    _check_active_models,
    _check_ledger,
    _check_counts,
)
