"""Forgets idempotency keys that were kept as long as promised; their records stay."""

from flask import current_app
from sqlalchemy import text

from app.extensions import db
from config import Settings


def forget_idempotency_keys() -> None:
    """Forget the keys that are older than `DAYBOOK_IDEMPOTENCY_DAYS`."""
    settings: Settings = current_app.extensions["settings"]
    query = "DELETE FROM idempotency_keys WHERE kept_since < now() - make_interval(days => :days)"
    db.session.execute(text(query), {"days": settings.idempotency_days})
    db.session.commit()
