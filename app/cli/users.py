"""`manage.py users`: people."""

import secrets
import sys

import click
from flask.cli import with_appcontext

from app.extensions import db
from app.models import Role
from app.services import users as service


@click.group()
def users() -> None:
    """People who sign in."""


@users.command()
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice([str(role) for role in Role]),
    required=True,
    help="What they may do.",
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@with_appcontext
def create(email: str, role: str, password_stdin: bool) -> None:
    """Add a person and print their identifier.

    \b
    Example:
        manage.py users create ana@example.com --role analyst
    """
    user = service.create_user(email, Role(role), _read_password(password_stdin))
    db.session.commit()
    click.echo(user.id)


@users.command("list")
@with_appcontext
def list_all() -> None:
    """List everybody: address, role, active or disabled."""
    for user in service.list_users():
        click.echo(f"{user.email}\t{user.role}\t{'active' if user.active else 'disabled'}")


@users.command()
@click.argument("email")
@with_appcontext
def disable(email: str) -> None:
    """Keep a person out, at once: sessions end and tokens stop."""
    service.set_active(service.find_user(email), False)
    db.session.commit()


@users.command()
@click.argument("email")
@with_appcontext
def enable(email: str) -> None:
    """Let a disabled person in again."""
    service.set_active(service.find_user(email), True)
    db.session.commit()


@users.command()
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@with_appcontext
def password(email: str, password_stdin: bool) -> None:
    """Give a person a new password and end their sessions."""
    service.set_password(service.find_user(email), _read_password(password_stdin))
    db.session.commit()


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask at; use --password-stdin.")
    suggestion = secrets.token_urlsafe(15)
    click.echo(f"At least 12 characters; for example {suggestion}", err=True)
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed
