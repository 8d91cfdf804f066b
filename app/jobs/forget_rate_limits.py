"""Removes counters of rate limits whose window is over."""

from sqlalchemy import text

from app.extensions import db


def forget_rate_limits() -> None:
    """Remove the counters that count no more."""
    db.session.execute(text("DELETE FROM rate_limits WHERE expires_at < now()"))
    db.session.commit()
