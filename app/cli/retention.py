"""`manage.py retention`: old months."""

from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from app.extensions import db
from app.services import retention as service
from app.services.errors import ConflictError, HeldError, NotSealedError


@click.group()
def retention() -> None:
    """How long records are kept."""


@retention.command()
@click.option(
    "--keep", type=click.IntRange(1, 1200), required=True, help="How many whole months to keep."
)
@click.option("--dry-run", is_flag=True, help="Name the months, and drop nothing.")
@with_appcontext
def drop(keep: int, dry_run: bool) -> None:
    """Drop the records of old months, each with a leaf that says so. Prints the months.

    Their leaves stay, so old proofs still verify. A month with a legal hold, or with something that is not
    sealed yet, is not dropped.

    \b
    Example:
        manage.py retention drop --keep 24
    """
    kept = 0
    for month in service.months_to_drop(keep, datetime.now(UTC)):
        try:
            if not dry_run:
                service.drop_month(month, keep=keep, actor_id=None)
                db.session.commit()
        except (HeldError, NotSealedError, ConflictError) as error:
            db.session.rollback()
            click.echo(error.detail, err=True)
            kept += 1
        else:
            click.echo(f"{month.start:%Y-%m}")
    if kept:
        raise click.ClickException(f"{kept} months are kept.")
