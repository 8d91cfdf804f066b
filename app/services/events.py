"""Events: written in the same transaction as the fact that they tell of."""

import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.extensions import db
from app.identifiers import new_id
from app.ledger import canonical
from app.ledger.commitment import SALT_BYTES, commit
from app.models import Event, EventKind


def record_event(
    kind: EventKind,
    *,
    actor_id: UUID | None,
    subject_id: UUID | None = None,
    **details: Any,
) -> None:
    """Add an event. `actor_id` is None for the operator at the command line."""
    event = Event(
        id=new_id(),
        at=datetime.now(UTC),
        kind=kind,
        actor_id=actor_id,
        subject_id=subject_id,
    )
    if details:
        event.details = details
        event.details_salt = secrets.token_bytes(SALT_BYTES)
        event.details_commitment = commit("details", canonical.encode(details), event.details_salt)
    db.session.add(event)
    db.session.flush()
