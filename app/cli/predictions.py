"""`manage.py predictions`: the book."""

from uuid import UUID

import click
import orjson
from flask.cli import with_appcontext
from sqlalchemy import select

from app.extensions import db
from app.models import Prediction
from app.services.errors import UnknownThingError
from app.services.history import as_document


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
    click.echo(orjson.dumps(as_document(record), option=orjson.OPT_INDENT_2).decode())
