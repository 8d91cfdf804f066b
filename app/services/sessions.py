"""People's sessions: their cookies are signed, so ending one early must be remembered."""

from uuid import UUID

from app.extensions import db
from app.models import EndedSession


def end_session(identifier: UUID) -> None:
    """Let the cookie of a session count no more, wherever a copy of it is."""
    db.session.merge(EndedSession(id=identifier))
    db.session.flush()


def is_ended(identifier: UUID) -> bool:
    """Whether a session was ended."""
    return db.session.get(EndedSession, identifier) is not None
