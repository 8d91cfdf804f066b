"""`manage.py subjects`: the people that records are about."""

import click
from flask.cli import with_appcontext

from app.extensions import db
from app.services import erasure


@click.group()
def subjects() -> None:
    """The people that records are about, by the references they were sent with."""


@subjects.command()
@click.argument("reference")
@click.option(
    "--basis", required=True, help="Why: the article of a law and the request, for instance."
)
@with_appcontext
def erase(reference: str, basis: str) -> None:
    """Erase what was asked and answered about a person. Prints how many records it was.

    Their leaves and proofs stay, and each erasure is a leaf itself. There is no way back.

    \b
    Example:
        manage.py subjects erase customer-1042 --basis "GDPR Art. 17, request of 2026-11-03"
    """
    notices = erasure.erase_subject(reference, basis=basis, actor_id=None)
    db.session.commit()
    click.echo(len(notices))


@subjects.command()
@click.argument("reference")
@click.option("--reason", required=True, help="Why, such as the name of the case.")
@with_appcontext
def hold(reference: str, reason: str) -> None:
    """Keep a person's records from being erased or dropped. Prints the hold's identifier."""
    placed = erasure.place_hold(subject=reference, reason=reason, actor_id=None)
    db.session.commit()
    click.echo(placed.id)
