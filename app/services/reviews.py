"""Reviews: what people think of answers. Of several the newest one counts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from app.access import Caller
from app.extensions import db
from app.models import Prediction, Review, ReviewAssignment, ReviewItem, ReviewQueue
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
    if isinstance(test, Present) and not so:
        one = exists().where(Review.prediction_id == Prediction.id, readable(caller, Review))
        return not_(one)
    if isinstance(test, Present):
        return Prediction.id.in_(found)
    condition = compared(Review.verdict, test)
    return Prediction.id.in_(found.where(condition if so else not_(condition)))


def newest_verdict(caller: Caller) -> Any:
    """Return the verdict on a prediction, to be read along with it."""
    query = select(Review.verdict).where(Review.prediction_id == Prediction.id)
    query = query.where(readable(caller, Review))
    return query.order_by(Review.id.desc()).limit(1).scalar_subquery()


def readable(caller: Caller, review: type[Review]) -> ColumnElement[bool]:
    """Return the condition that a caller may read a review: the second reader is blind to what the first one said.

    So it is with all that others say of a prediction, while an open queue waits for a review of it from a caller who
    shall not know what the other one said.
    """
    own, others = aliased(Review), aliased(Review)
    of_item = and_(
        others.queue_id == ReviewItem.queue_id, others.prediction_id == ReviewItem.prediction_id
    )
    count = select(func.count()).select_from(others).where(of_item).scalar_subquery()
    has_reviewed = exists().where(
        own.queue_id == ReviewItem.queue_id,
        own.prediction_id == ReviewItem.prediction_id,
        own.actor_id == caller.user_id,
    )
    is_owed = exists().where(
        ReviewItem.prediction_id == review.prediction_id,
        ReviewQueue.id == ReviewItem.queue_id,
        ReviewQueue.people == 2,
        ReviewQueue.closed_at.is_(None),
        ReviewAssignment.queue_id == ReviewItem.queue_id,
        ReviewAssignment.user_id == caller.user_id,
        count < 2,
        not_(has_reviewed),
    )
    return or_(review.actor_id == caller.user_id, not_(is_owed))


def waits_for_a_blind_review(prediction_id: UUID) -> bool:
    """Whether an open queue of two still waits for a review of a prediction."""
    count = select(func.count()).select_from(Review).where(
        Review.queue_id == ReviewItem.queue_id, Review.prediction_id == ReviewItem.prediction_id
    )  # fmt: skip
    query = select(ReviewItem.place).join(ReviewQueue, ReviewQueue.id == ReviewItem.queue_id).where(
        ReviewItem.prediction_id == prediction_id, ReviewQueue.people == 2, ReviewQueue.closed_at.is_(None),
        count.scalar_subquery() < 2,
    )  # fmt: skip
    return db.session.scalar(query.limit(1)) is not None
