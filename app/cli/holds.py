"""`manage.py holds`: legal holds."""

from uuid import UUID

import click
from flask.cli import with_appcontext

from app.extensions import db
from app.services import erasure


@click.group()
def holds() -> None:
    """Legal holds: what must not be erased or dropped."""


@holds.command("list")
@with_appcontext
def list_all() -> None:
    """List the holds in force: identifier, since when, what, why."""
    for hold in erasure.holds():
        what = (
            f"prediction {hold.prediction_id}" if hold.prediction_id else f"subject {hold.subject}"
        )
        click.echo(f"{hold.id}\t{hold.placed_at:%Y-%m-%d}\t{what}\t{hold.reason}")


@holds.command()
@click.argument("identifier", metavar="ID", type=click.UUID)
@with_appcontext
def lift(identifier: UUID) -> None:
    """End a hold."""
    erasure.lift_hold(identifier, actor_id=None)
    db.session.commit()
