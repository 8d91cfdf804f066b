"""`manage.py demo`: everything a first look needs."""

import json
import os
import secrets
import tempfile
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade
from sqlalchemy import select

from app.extensions import db
from app.models import Model, Role
from app.services import registry
from app.services.errors import UnknownThingError
from app.services.registry import Registration
from app.services.users import create_user, find_user
from config import PROJECT, Settings


@click.command()
@with_appcontext
def demo() -> None:
    """Migrate, train and register the example models, make the demo users; again changes nothing.

    The passwords of the demo users are random, and kept in DAYBOOK_HOME/demo-users.json.
    """
    settings: Settings = current_app.extensions["settings"]
    if settings.production:
        raise click.ClickException("Demo users do not belong into production.")
    upgrade(str(PROJECT / "migrations"))
    _make_users(settings.home / "demo-users.json")
    _register_examples()


def _make_users(file: Path) -> None:
    if not file.exists():
        addresses = {f"{role}@example.com": secrets.token_urlsafe(12) for role in Role}
        _write_private(file, json.dumps(addresses, indent=2))
    passwords: dict[str, str] = json.loads(file.read_text())
    click.echo("Sign in as:", err=True)
    for role in Role:
        address = f"{role}@example.com"
        _ensure_user(address, role, passwords[address])
        click.echo(f"  {address:<22} {passwords[address]}", err=True)
    db.session.commit()


def _ensure_user(address: str, role: Role, password: str) -> None:
    try:
        find_user(address)
    except UnknownThingError:
        create_user(address, role, password)


def _register_examples() -> None:
    try:
        from ml.examples import NAMES, write_example
    except ImportError as error:
        raise click.ClickException("Install requirements-demo.txt for the examples.") from error
    known = set(db.session.scalars(select(Model.name)))
    for name in NAMES:
        if name in known:
            continue
        click.echo(f"Training {name} …", err=True)
        with tempfile.TemporaryDirectory() as folder:
            path, data, target = write_example(name, Path(folder))
            given = Registration(
                name=name, path=path, data=data, target=target, registered_by="manage.py demo"
            )
            number = registry.register_version(given).number
        registry.activate_version(name, number)
        db.session.commit()


def _write_private(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
