"""Readings: whoever reads what another one asked leaves an event, and auditors see who it was."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.access import Caller
from app.extensions import db
from app.models import Event, EventKind, Prediction, User
from app.services.events import record_event
from app.services.history import get_prediction

_MOST = 50


def read_prediction(caller: Caller, identifier: UUID) -> Prediction:
    """Return one record to be shown; that it was read is committed, unless it is the caller's own.

    Raises:
        UnknownThingError: see `get_prediction`.
    """
    record = get_prediction(caller, identifier)
    if record.actor_id != caller.user_id:
        record_event(EventKind.RECORD_READ, actor_id=caller.user_id, subject_id=record.id)
        db.session.commit()
    return record


def note_page(caller: Caller, records: Sequence[Prediction]) -> None:
    """Note that a page showed what others asked, as one event for all of them."""
    of_others = [str(record.id) for record in records if record.actor_id != caller.user_id]
    if of_others:
        record_event(
            EventKind.RECORDS_LISTED,
            actor_id=caller.user_id,
            first=of_others[0],
            last=of_others[-1],
            count=len(of_others),
        )
        db.session.commit()


def readings_of(record: Prediction) -> list[tuple[datetime, str]]:
    """Return when a record was read and by whom, the newest first: at most fifty of them."""
    query = (
        select(Event.at, User.email)
        .join(User, User.id == Event.actor_id)
        .where(Event.subject_id == record.id, Event.kind == EventKind.RECORD_READ)
        .order_by(Event.id.desc())
        .limit(_MOST)
    )
    return [(at, address) for at, address in db.session.execute(query)]
