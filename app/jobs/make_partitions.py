"""Makes the months ahead in the book."""

from datetime import UTC, datetime

from flask import current_app

from app.database.partitions import ensure_partitions_ahead


def make_partitions() -> None:
    """Make the partitions of this month and of the next ones, unless they are there."""
    with current_app.extensions["begin"]() as cursor:
        ensure_partitions_ahead(cursor, datetime.now(UTC))
