"""`manage.py tokens`: how programs sign in."""

from uuid import UUID

import click
from flask.cli import with_appcontext

from app.extensions import db
from app.models import Scope
from app.services import tokens as service
from app.services.users import find_user


@click.group()
def tokens() -> None:
    """Tokens of people's programs."""


@tokens.command()
@click.option("--user", required=True, help="The email address of the person it acts for.")
@click.option("--name", required=True, help="What it is for, such as “nightly scoring”.")
@click.option("--scope", "scopes", type=click.Choice([str(scope) for scope in Scope]), multiple=True, required=True,
              help="What it may do; repeat for more.")  # fmt: skip
@click.option("--expires", help="When it ends: 12h, 90d, 4w, 1y. Never, if not given.")
@with_appcontext
def create(user: str, name: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """Make a token and print it. It is shown this once.

    \b
    Example:
        manage.py tokens create --user ana@example.com --name nightly --scope predict --expires 90d
    """
    lasts = service.parse_duration(expires) if expires else None
    _, secret = service.create_token(find_user(user), name, scopes, lasts=lasts)
    db.session.commit()
    click.echo(secret)


@tokens.command("list")
@click.option("--user", required=True, help="The email address of the person.")
@with_appcontext
def list_all(user: str) -> None:
    """List a person's tokens: identifier, first characters, scopes, name, state."""
    for token in service.list_tokens(find_user(user).id):
        state = "revoked" if token.revoked_at else "active"
        scopes = ",".join(token.scopes)
        click.echo(f"{token.id}\t{token.hint}…\t{scopes}\t{token.name}\t{state}")


@tokens.command()
@click.argument("identifier", type=click.UUID)
@with_appcontext
def revoke(identifier: UUID) -> None:
    """Revoke a token, at once and for good."""
    service.revoke_token(identifier, user_id=None, actor_id=None)
    db.session.commit()
