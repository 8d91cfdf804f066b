"""`manage.py predictions`: the book."""

import os
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import click
import orjson
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select

from app import spreadsheet
from app.access import OPERATOR
from app.extensions import db
from app.models import Prediction
from app.services import erasure, exports, history, search
from app.services.errors import UnknownThingError
from app.services.export_files import Format
from app.services.outcome_tables import report_table
from app.services.reporting import Fate


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
    (document,) = history.as_documents(OPERATOR, [record])
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


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
        for document in history.as_documents(OPERATOR, page.records):
            click.echo(orjson.dumps(document))
        limit, before = limit - len(page.records), page.next
        if before is None:
            return


@predictions.command()
@click.option("--query", default="", help="Which records; all without it.")
@click.option(
    "--format",
    "form",
    type=click.Choice([str(form) for form in Format], case_sensitive=False),
    default=str(Format.NDJSON),
    show_default=True,
)
@click.option("--reason", help="Why; it is kept with the event that tells of the export.")
@click.option(
    "--output", required=True, type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="The file; its manifest is put beside it.",
)  # fmt: skip
@with_appcontext
def export(query: str, form: str, reason: str | None, output: Path) -> None:
    """Write the records that fit to a file, all of one moment. Prints how many.

    \b
    The file is there when it is whole: until then it has the ending .part.

    \b
    Example:
        manage.py predictions export --query 'model:churn at:2026-11' --format csv --output churn.csv
    """
    selection = exports.select_records(OPERATOR, query, form, reason, without_reason=None)
    export = exports.Export(selection, current_app.app_context)
    part = output.with_name(f"{output.name}.part")
    with part.open("wb") as file:
        for content in export.content():
            file.write(content)
        file.flush()
        os.fsync(file.fileno())
    output.with_name(f"{output.name}.manifest.json").write_bytes(export.manifest())
    part.replace(output)
    click.echo(orjson.loads(export.manifest())["count"])


@predictions.command()
@click.argument("file", type=click.File("rb"))
@with_appcontext
def outcomes(file: BinaryIO) -> None:
    """Record what turned out to be true, from a CSV file with columns outcome, and id or reference.

    \b
    Prints what became of each line, as CSV; exits with 1 if one was refused.

    \b
    Example:
        manage.py predictions outcomes october.csv > report.csv
    """
    lines = report_table(OPERATOR, file.read())
    click.echo(spreadsheet.line(["line", "record", "fate", "why"]), nl=False)
    for line in lines:
        told = [line.number, line.named, str(line.result.fate), line.result.why]
        click.echo(spreadsheet.line(told), nl=False)
    if any(line.result.fate is Fate.REFUSED for line in lines):
        raise click.exceptions.Exit(1)


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
