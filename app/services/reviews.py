"""Reviews: what people think of answers. Of several the newest one counts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, not_, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from app.access import Caller
from app.extensions import db
from app.models import Prediction, Review, ReviewAssignment, ReviewQueue
from app.query.checking import Present, Test
from app.services.conditions import Bool, compared


def reviews_of(
    caller: Caller, ids: Sequence[UUID], session: Session | None = None
) -> dict[UUID, list[Review]]:
    """Return the reviews that a caller may read of some predictions, the newest first."""
    query = select(Review).where(Review.prediction_id.in_(ids), readable(caller, Review))
    found: dict[UUID, list[Review]] = {}
    for review in (session or db.session).scalars(query.order_by(Review.id.desc())):
        found.setdefault(review.prediction_id, []).append(review)
    return found


def as_document(review: Review) -> dict[str, Any]:
    """Return a review as JSON values."""
    names = ("id", "at", "actor_id", "queue_id", "verdict", "adjudicates", "correction", "reason", "note")  # fmt: skip
    return {name: getattr(review, name) for name in names}


def has_review(caller: Caller, test: Test, *, so: bool) -> Bool:
    """Return the condition that the verdict on a prediction passes a test, or that there is one and it does not."""
    later = aliased(Review)
    is_outdated = exists().where(
        later.prediction_id == Review.prediction_id, later.id > Review.id, readable(caller, later)
    )
    found = select(Review.prediction_id).where(readable(caller, Review), not_(is_outdated))
    if isinstance(test, Present):
        has_one = Prediction.id.in_(found)
        return has_one if so else not_(has_one)
    condition = compared(Review.verdict, test)
    return Prediction.id.in_(found.where(condition if so else not_(condition)))


def newest_verdict(caller: Caller) -> Any:
    """Return the verdict on a prediction, to be read along with it."""
    query = select(Review.verdict).where(Review.prediction_id == Prediction.id)
    query = query.where(readable(caller, Review))
    return query.order_by(Review.id.desc()).limit(1).scalar_subquery()


def readable(caller: Caller, review: type[Review]) -> ColumnElement[bool]:
    """Return the condition that a caller may read a review: the second reader is blind to what the first one said.

    So it is while an open queue waits for the second review of an item from a caller who may give it.
    """
    own, all_ = aliased(Review), aliased(Review)
    to_be_reviewed = exists().where(
        ReviewQueue.id == review.queue_id,
        ReviewQueue.people == 2,
        ReviewQueue.closed_at.is_(None),
        ReviewAssignment.queue_id == ReviewQueue.id,
        ReviewAssignment.user_id == caller.user_id,
    )
    of_item = and_(all_.queue_id == review.queue_id, all_.prediction_id == review.prediction_id)
    waits = select(func.count()).select_from(all_).where(of_item).scalar_subquery() < 2
    has_reviewed = exists().where(
        own.queue_id == review.queue_id,
        own.prediction_id == review.prediction_id,
        own.actor_id == caller.user_id,
    )
    return not_(and_(review.queue_id.is_not(None), to_be_reviewed, waits, not_(has_reviewed)))
