"""Erasure: salts and texts of a record go, its leaf and its proofs stay; a legal hold forbids it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from app.extensions import db
from app.identifiers import new_id
from app.ledger.envelope import PARTS
from app.models import EventKind, LegalHold, Notice, NoticeKind, Outcome, Prediction, Review
from app.services.errors import HeldError, InvalidInputsError, UnknownThingError
from app.services.events import record_event
from app.services.notices import record_notice

LONGEST_REASON = 500
Record = Prediction | Outcome | Review
#: The parts of each kind of record that can be erased, and the function that does it.
_PARTS: dict[type[Record], Sequence[str]] = {
    Prediction: PARTS,
    Outcome: ("value",),
    Review: ("correction", "reason", "note"),
}
_ERASE: dict[type[Record], Callable[[UUID], Any]] = {
    Prediction: func.erase_prediction,
    Outcome: func.erase_outcome,
    Review: func.erase_review,
}
#: Who erases, drops or holds has this lock: nothing is held while it goes.
HOLDS_STAND_STILL = select(func.pg_advisory_xact_lock(7233173838382854005))
#: Who adds to a record has this lock: it is not erased or dropped meanwhile.
NOTHING_IS_ERASED = select(func.pg_advisory_xact_lock_shared(7233173838382854005))


def erase_prediction(prediction_id: UUID, *, basis: str, actor_id: UUID | None) -> Notice:
    """Erase what was asked and answered, what turned out to be true and what people wrote of it; return the notice of the prediction.

    Args:
        prediction_id: the record.
        basis: why, such as the article of a law and the request.
        actor_id: by whom; None for the operator at the command line.

    Raises:
        UnknownThingError: if there is no such record.
        HeldError: if a legal hold forbids it.
        InvalidInputsError: if no basis is given.
    """
    record = db.session.get(Prediction, prediction_id)
    if record is None:
        raise UnknownThingError(f"There is no prediction {prediction_id}.")
    return _erase([record], basis, actor_id)[0]


def erase_subject(subject: str, *, basis: str, actor_id: UUID | None) -> list[Notice]:
    """Erase every record about a person; return the notices.

    Args:
        subject: the reference that records were sent with.
        basis: why.
        actor_id: by whom; None for the operator at the command line.

    Raises:
        UnknownThingError: if there are no such records.
        HeldError: if a legal hold forbids it for one of them: then none is erased.
        InvalidInputsError: if no basis is given.
    """
    query = select(Prediction).where(Prediction.subject == subject).order_by(Prediction.id)
    if not (records := db.session.scalars(query).all()):
        raise UnknownThingError("There are no records of that subject.")
    return _erase(records, basis, actor_id)


def replay_erasures(record_ids: Iterable[UUID], *, basis: str) -> int:
    """Erase again what was erased before a restore brought it back; return how many records it was.

    Holds do not forbid it: what the book says is gone must not come back.

    Args:
        record_ids: the predictions and other records that the book says are erased.
        basis: why.
    """
    count, ids = 0, list(record_ids)
    for kind in _PARTS:  # Predictions first: what belongs to one is not erased alone.
        for identifier in ids:
            record = db.session.get(kind, identifier)
            if isinstance(record, Prediction | Outcome | Review) and _parts_of(record):
                _erase_one(record, basis, None)
                count += 1
    return count


def erasure_of(prediction_id: UUID) -> Notice | None:
    """Return the notice of a record's erasure, None if it is not erased."""
    query = select(Notice).where(
        Notice.kind == NoticeKind.ERASURE,
        Notice.what["record_id"].as_string() == str(prediction_id),
    )
    return db.session.scalar(query.order_by(Notice.id).limit(1))


def newest_notices(limit: int = 50) -> Sequence[Notice]:
    """Return what was done to the book, the newest first."""
    return db.session.scalars(select(Notice).order_by(Notice.id.desc()).limit(limit)).all()


def place_hold(
    *,
    prediction_id: UUID | None = None,
    subject: str | None = None,
    reason: str,
    actor_id: UUID | None,
) -> LegalHold:
    """Keep one prediction, or every record of a subject, from being erased or dropped.

    A subject may have no records yet: those that come are kept.

    Raises:
        UnknownThingError: if there is no such prediction.
        InvalidInputsError: if no reason is given.
    """
    db.session.execute(HOLDS_STAND_STILL)
    if prediction_id is not None and db.session.get(Prediction, prediction_id) is None:
        raise UnknownThingError(f"There is no prediction {prediction_id}.")
    hold = LegalHold(
        id=new_id(), placed_at=datetime.now(UTC), placed_by=actor_id, prediction_id=prediction_id,
        subject=subject, reason=_given("reason", reason),
    )  # fmt: skip
    db.session.add(hold)
    record_event(EventKind.HOLD_PLACED, actor_id=actor_id, subject_id=hold.id, reason=hold.reason)
    return hold


def lift_hold(hold_id: UUID, *, actor_id: UUID | None) -> LegalHold:
    """End a hold.

    Raises:
        UnknownThingError: if there is none, or it is lifted already.
    """
    hold = db.session.get(LegalHold, hold_id, with_for_update=True)
    if hold is None or hold.lifted_at is not None:
        raise UnknownThingError(f"There is no hold {hold_id}.")
    hold.lifted_at, hold.lifted_by = datetime.now(UTC), actor_id
    record_event(EventKind.HOLD_LIFTED, actor_id=actor_id, subject_id=hold.id)
    return hold


def holds() -> Sequence[LegalHold]:
    """Return the holds that are in force, the oldest first."""
    query = select(LegalHold).where(LegalHold.lifted_at.is_(None)).order_by(LegalHold.placed_at)
    return db.session.scalars(query).all()


def _erase(records: Sequence[Prediction], basis: str, actor_id: UUID | None) -> list[Notice]:
    why = _given("basis", basis)
    _refuse_if_held(records)
    notices = [_erase_one(record, why, actor_id) for record in records]
    for belonging in _belongings(records):
        if _parts_of(belonging):
            _erase_one(belonging, why, actor_id)
    return notices


def _belongings(records: Sequence[Prediction]) -> Iterator[Outcome | Review]:
    ids = [record.id for record in records]
    yield from db.session.scalars(select(Outcome).where(Outcome.prediction_id.in_(ids)))
    yield from db.session.scalars(select(Review).where(Review.prediction_id.in_(ids)))


def _parts_of(record: Record) -> list[str]:
    """Return the parts of a record that are there."""
    names = _PARTS[type(record)]
    return [name for name in names if getattr(record, f"{name}_salt") is not None]


def _erase_one(record: Record, basis: str, actor_id: UUID | None) -> Notice:
    notice = record_notice(
        NoticeKind.ERASURE, actor_id=actor_id, basis=basis, record_id=str(record.id), parts=_parts_of(record)
    )  # fmt: skip
    db.session.execute(select(_ERASE[type(record)](record.id)))
    db.session.expire(record)
    return notice


def _refuse_if_held(records: Sequence[Prediction]) -> None:
    ids = [record.id for record in records]
    subjects = {record.subject for record in records if record.subject is not None}
    db.session.execute(HOLDS_STAND_STILL)
    query = select(LegalHold).where(
        LegalHold.lifted_at.is_(None),
        or_(LegalHold.prediction_id.in_(ids), LegalHold.subject.in_(subjects)),
    )
    if (hold := db.session.scalar(query.limit(1))) is not None:
        raise HeldError(f"The legal hold {hold.id} forbids it; nothing was erased.")


def _given(name: str, words: str) -> str:
    words = " ".join(words.split())
    if not words or len(words) > LONGEST_REASON:
        raise InvalidInputsError(f"Give a {name} of 1 to {LONGEST_REASON} characters.")
    return words
