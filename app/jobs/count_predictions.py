"""Counts the records of the time that is over."""

from datetime import UTC, datetime

from sqlalchemy import text

from app.extensions import db
from app.services.activity import count_finished_spans

_LOCK = 0x6461795F636E74  # "day_cnt": one process counts at a time.


def count_predictions() -> None:
    """Count what is finished, unless another process is at it."""
    locked = db.session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if locked:
        count_finished_spans(datetime.now(UTC))
    db.session.commit()
