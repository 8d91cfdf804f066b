"""The monthly partitions of the book: by the time in a prediction's identifier."""

import re
from datetime import UTC, datetime

from psycopg2.extensions import cursor as Cursor

MONTHS_AHEAD = 2
_NAME = re.compile(r"predictions_\d{4}_\d{2}")


def is_partition(table_name: str) -> bool:
    """Whether a table is a month of the book."""
    return _NAME.fullmatch(table_name) is not None


def ensure_partition(cursor: Cursor, moment: datetime) -> None:
    """Make the partition that holds a moment, unless it is there. Any number may try at once."""
    cursor.execute("SELECT ensure_predictions_partition(%s)", (moment,))


def ensure_partitions_ahead(cursor: Cursor, now: datetime) -> None:
    """Make the partitions of this month and of the next `MONTHS_AHEAD`."""
    for month in range(now.month - 1, now.month + MONTHS_AHEAD):
        ensure_partition(cursor, datetime(now.year + month // 12, month % 12 + 1, 1, tzinfo=UTC))
