"""`manage.py predictions`: the book."""

from uuid import UUID

import click
import orjson
from flask.cli import with_appcontext
from sqlalchemy import select

from app.access import OPERATOR
from app.extensions import db
from app.models import Prediction
from app.services import erasure, history, search
from app.services.errors import UnknownThingError


@click.group()
def predictions() -> None:
    """Recorded predictions."""


@predictions.command()
@click.argument("identifier", metavar="ID", type=click.UUID)
@with_appcontext
def show(identifier: UUID) -> None:
    """Show a whole record, as JSON."""
    record = db.session.scalar(select(Prediction).where(Prediction.id == identifier))
    if record is None:
        raise UnknownThingError(f"There is no prediction {identifier}.")
    click.echo(orjson.dumps(history.as_document(record), option=orjson.OPT_INDENT_2).decode())


@predictions.command()
@click.argument("query", default="")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most."
)
@with_appcontext
def find(query: str, limit: int) -> None:
    """Print the newest records that fit a query, a JSON document on each line.

    \b
    Example:
        manage.py predictions find 'model:churn status:refused at:2026-11' --limit 1000
    """
    asked, before = search.read_query(OPERATOR, query), None
    while limit:
        page = history.find_predictions(
            OPERATOR, asked, limit=min(limit, history.LONGEST_PAGE), before=before
        )
        for record in page.records:
            click.echo(orjson.dumps(history.as_document(record)))
        limit, before = limit - len(page.records), page.next
        if before is None:
            return


@predictions.command()
@click.argument("identifier", metavar="ID", type=click.UUID)
@click.option(
    "--basis", required=True, help="Why: the article of a law and the request, for instance."
)
@with_appcontext
def erase(identifier: UUID, basis: str) -> None:
    """Erase what was asked and answered; the leaf and its proofs stay. There is no way back."""
    erasure.erase_prediction(identifier, basis=basis, actor_id=None)
    db.session.commit()


@predictions.command()
@click.argument("identifier", metavar="ID", type=click.UUID)
@click.option("--reason", required=True, help="Why, such as the name of the case.")
@with_appcontext
def hold(identifier: UUID, reason: str) -> None:
    """Keep a record from being erased or dropped. Prints the hold's identifier."""
    placed = erasure.place_hold(prediction_id=identifier, reason=reason, actor_id=None)
    db.session.commit()
    click.echo(placed.id)
