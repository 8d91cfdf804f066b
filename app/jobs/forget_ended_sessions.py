"""Forgets sessions that were ended so long ago that their cookies have expired."""

from sqlalchemy import text

from app.extensions import db
from config import LONGEST_SESSION_HOURS


def forget_ended_sessions() -> None:
    """Forget the sessions whose cookies cannot be valid any more."""
    query = "DELETE FROM ended_sessions WHERE ended_at < now() - make_interval(hours => :hours)"
    db.session.execute(text(query), {"hours": LONGEST_SESSION_HOURS})
    db.session.commit()
