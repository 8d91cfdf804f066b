"""Queues of answers to be reviewed: filled by a query and a sampling rule, worked off by the people assigned."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import defer
from sqlalchemy.sql.elements import ColumnElement

from app.access import Caller
from app.extensions import db
from app.identifiers import new_id
from app.ledger import canonical
from app.models import (
    EventKind,
    Model,
    Prediction,
    Review,
    ReviewAssignment,
    ReviewItem,
    ReviewQueue,
    Scope,
    User,
)
from app.services import users
from app.services.erasure import NOTHING_IS_ERASED
from app.services.errors import ConflictError, UnknownThingError, invalid_query
from app.services.events import record_event
from app.services.history import PATIENCE_MS, bounded, visible
from app.services.model_access import is_usable, users_of, visible_model
from app.services.reporting import Reader
from app.services.reviewing import Draft, review_prediction
from app.services.sampling import Sample, sampled
from ml.agreement import cohens_kappa
from ml.performance import Estimate
from ml.truth import read_truth

MOST_ITEMS = 1_000
_LONGEST_NAME = 80
_MOST_SHOWN = 50
_CLAIM = timedelta(minutes=10)


class State(StrEnum):
    """How far an item is: it waits for reviews, for somebody to decide between two, or for nothing."""

    OPEN = "open"
    DISPUTED = "disputed"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Item:
    """An item of a queue, and what was said of it, the first review first."""

    prediction_id: UUID
    place: int
    state: State
    reviews: Sequence[Review]
    claimed_by: UUID | None = None

    @property
    def readings(self) -> Sequence[Review]:
        """The reviews that decide nothing between others."""
        return [review for review in self.reviews if not review.adjudicates]

    def is_for(self, caller: Caller, *, decides: bool) -> bool:
        """Whether a caller who is assigned, or decides in this queue, can do something about it."""
        if self.state is State.OPEN:
            return all(review.actor_id != caller.user_id for review in self.reviews)
        has_read = any(review.actor_id == caller.user_id for review in self.reviews)
        return self.state is State.DISPUTED and (decides or not has_read)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A queue and how far it is: its items that a caller may see, who reviews them, and those the caller can do something about."""

    queue: ReviewQueue
    model: str
    creator: str
    items: Sequence[Item]
    people: Sequence[str]
    mine: Sequence[Item]

    @cached_property
    def counts(self) -> Counter[str]:
        """How many items there are in each state."""
        return Counter(str(item.state) for item in self.items)

    @cached_property
    def verdicts(self) -> Counter[str]:
        """How often each verdict was the last one of an item that is done."""
        return Counter(item.reviews[-1].verdict for item in self.items if item.state is State.DONE)

    @cached_property
    def pairs(self) -> list[Sequence[Review]]:
        """The reviews of items that two people have reviewed."""
        return [item.readings[:2] for item in self.items if len(item.readings) >= 2]

    @cached_property
    def agreeing(self) -> int:
        """How many of the pairs say the same."""
        return sum(not _differ(pair) for pair in self.pairs)

    @cached_property
    def kappa(self) -> Estimate | None:
        """How well the pairs' verdicts agree."""
        ones, others = ([pair[place].verdict for pair in self.pairs] for place in (0, 1))
        return cohens_kappa(ones, others)


def open_queue(
    caller: Caller, name: str, model_name: str, query: str, sample: Sample, *, people: int,
    assigned: Sequence[str],
) -> ReviewQueue:  # fmt: skip
    """Make a queue and fill it; the event that says so is committed with it.

    Args:
        caller: who makes it: only what they see comes into it.
        name: of the queue.
        model_name: whose answers.
        query: which of them.
        sample: how many, and by which rule.
        people: how many review each item, 1 or 2.
        assigned: addresses of those who review.

    Raises:
        InvalidQueryError: if something of it does not fit; it says what.
        UnknownThingError: if there is no such model that they may use.
    """
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME or "\x00" in name:
        raise invalid_query("name", f"Give the queue a name of 1 to {_LONGEST_NAME} characters.")
    if people not in (1, 2):
        raise invalid_query("people", "One or two people review each item.")
    if not 1 <= sample.size <= MOST_ITEMS:
        raise invalid_query("size", f"Take 1 to {MOST_ITEMS:,} records.")
    model = visible_model(caller, model_name)
    reviewers = _reviewers(model, assigned)
    if len(reviewers) < people:
        raise invalid_query("assigned", f"Name at least {people} of those who may see the model.")
    ids = [one for (one,) in bounded(sampled(caller, model, query, sample), PATIENCE_MS)]
    if not ids:
        raise invalid_query("q", "No answer fits, so there is nothing to review.")
    queue = _filled(caller, name, model, query, sample, people, reviewers, ids)
    record_event(
        EventKind.QUEUE_OPENED, actor_id=caller.user_id, subject_id=queue.id, items=len(ids),
        rule=sample.rule, people=people, assigned=[str(user.id) for user in reviewers],
    )  # fmt: skip
    db.session.commit()
    return queue


def queues_for(caller: Caller) -> list[Progress]:
    """Return the queues that a caller may see, the open ones first and the newest of them first."""
    query = select(ReviewQueue).where(_is_visible(caller))
    query = query.order_by(ReviewQueue.closed_at.is_not(None), ReviewQueue.id.desc())
    return _progress(caller, db.session.scalars(query.limit(_MOST_SHOWN)).all())


def get_queue(caller: Caller, queue_id: UUID) -> ReviewQueue:
    """Return a queue.

    Raises:
        UnknownThingError: if there is none, or it is not theirs to see.
    """
    query = select(ReviewQueue).where(ReviewQueue.id == queue_id, _is_visible(caller))
    if (queue := db.session.scalar(query)) is None:
        raise UnknownThingError("There is no such queue that you may see.")
    return queue


def progress_of(caller: Caller, queue: ReviewQueue) -> Progress:
    """Return how far a queue is, with all of its items that a caller may see."""
    (progress,) = _progress(caller, [queue])
    return progress


def next_item(caller: Caller, queue: ReviewQueue, after: int = 0) -> Item | None:
    """Return the next item for a caller, None if there is none, and keep others from it for some minutes.

    Args:
        caller: who reviews.
        queue: the queue.
        after: the place behind which to begin; those before it come last.
    """
    _lock(queue)  # One at a time: each gets another item.
    mine = progress_of(caller, queue).mine
    others = sorted(
        mine, key=lambda item: (_is_taken(item, caller), item.place <= after, item.place)
    )
    if not others:
        return None
    item = others[0]
    claim = update(ReviewItem).values(claimed_by=caller.user_id, claimed_at=datetime.now(UTC))
    of_item = (ReviewItem.queue_id == queue.id) & (ReviewItem.prediction_id == item.prediction_id)
    db.session.execute(claim.where(of_item))
    db.session.commit()
    return item


def find_item(items: Sequence[Item], prediction_id: UUID) -> Item:
    """Return the item of a prediction.

    Raises:
        UnknownThingError: if it is none of the items that somebody may see.
    """
    for item in items:
        if item.prediction_id == prediction_id:
            return item
    raise UnknownThingError("There is no such item in this queue that you may see.")


def review_item(
    caller: Caller, queue: ReviewQueue, prediction_id: UUID, draft: Draft, *, read: Reader = read_truth
) -> Review:  # fmt: skip
    """Record a review of an item.

    Raises:
        ConflictError: if there is nothing to do about it any more, or the queue is closed.
        ServiceError: see `review_prediction`.
    """
    db.session.execute(NOTHING_IS_ERASED)
    _lock(queue)
    progress = progress_of(caller, queue)
    item = find_item(progress.items, prediction_id)
    if item not in progress.mine:
        raise ConflictError("This item is done, or not yours to review.")
    adjudicates = item.state is State.DISPUTED
    return review_prediction(
        caller, prediction_id, draft, read=read, queue_id=queue.id, adjudicates=adjudicates
    )


def close_queue(caller: Caller, queue_id: UUID) -> ReviewQueue:
    """End a queue; what was said in it stays.

    Raises:
        UnknownThingError: if there is none that they made.
    """
    queue = _open_queue_of(caller, queue_id)
    queue.closed_at = datetime.now(UTC)
    record_event(EventKind.QUEUE_CLOSED, actor_id=caller.user_id, subject_id=queue.id)
    db.session.commit()
    return queue


def decides(caller: Caller, queue: ReviewQueue) -> bool:
    """Whether a caller decides in a queue: who made it, and administrators."""
    return caller.user_id == queue.created_by or caller.may(Scope.ADMIN)


def comparable(caller: Caller, queue: ReviewQueue, items: Sequence[Item]) -> set[UUID]:
    """Return the items of which a caller may see what was said: not those they may still give a blind review of."""
    is_blind = queue.people == 2 and queue.closed_at is None and _is_assigned(queue, caller.user_id)
    return {
        item.prediction_id for item in items
        if not (is_blind and item.state is State.OPEN and item.is_for(caller, decides=False))
    }  # fmt: skip


def assign(caller: Caller, queue_id: UUID, address: str) -> None:
    """Let somebody else review the items of a queue, too.

    Raises:
        UnknownThingError: if there is no open queue that they made.
        InvalidQueryError: if that person may not review the model's answers.
    """
    queue = _open_queue_of(caller, queue_id)
    (user,) = _reviewers(db.session.get_one(Model, queue.model_id), [address])
    if not _is_assigned(queue, user.id):
        db.session.add(ReviewAssignment(queue_id=queue.id, user_id=user.id))
        record_event(
            EventKind.QUEUE_ASSIGNED, actor_id=caller.user_id, subject_id=queue.id, user_id=str(user.id)
        )  # fmt: skip
    db.session.commit()


def _filled(
    caller: Caller, name: str, model: Model, query: str, sample: Sample, people: int,
    reviewers: Sequence[User], ids: Sequence[UUID],
) -> ReviewQueue:  # fmt: skip
    queue = ReviewQueue(
        id=new_id(), name=name, model_id=model.id, query=query, rule=sample.rule, field=sample.field,
        threshold=sample.threshold, people=people, created_by=caller.user_id, created_at=datetime.now(UTC),
    )  # fmt: skip
    db.session.add(queue)
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise invalid_query("name", "There is a queue of this name.") from None
    db.session.add_all(
        ReviewItem(queue_id=queue.id, prediction_id=one, place=place)
        for place, one in enumerate(ids, start=1)
    )
    db.session.add_all(ReviewAssignment(queue_id=queue.id, user_id=user.id) for user in reviewers)
    db.session.flush()
    return queue


def _reviewers(model: Model, addresses: Sequence[str]) -> list[User]:
    able = {user.email: user for user in users_of(model, Scope.REVIEW)}
    for address in addresses:
        if address not in able:
            raise invalid_query("assigned", f"{address} may not review answers of this model.")
    return [able[address] for address in dict.fromkeys(addresses)]


def _open_queue_of(caller: Caller, queue_id: UUID) -> ReviewQueue:
    queue = get_queue(caller, queue_id)
    _lock(queue)
    if not decides(caller, queue) or queue.closed_at is not None:
        raise UnknownThingError("There is no such open queue of yours.")
    return queue


def _is_visible(caller: Caller) -> ColumnElement[bool]:
    if caller.sees_everything:
        return true()
    assigned = select(ReviewAssignment.queue_id).where(ReviewAssignment.user_id == caller.user_id)
    theirs = or_(ReviewQueue.created_by == caller.user_id, ReviewQueue.id.in_(assigned))
    usable = select(Model.id).where(is_usable(caller))
    return and_(theirs, ReviewQueue.model_id.in_(usable))


def _progress(caller: Caller, shown: Sequence[ReviewQueue]) -> list[Progress]:
    """Return how far some queues are: in as many statements for fifty as for one."""
    items, assigned = _items(caller, shown), _assigned(shown)
    models = select(Model.id, Model.name).where(Model.id.in_({queue.model_id for queue in shown}))
    named = {one.id: one.name for one in db.session.execute(models)}
    creators = {queue.created_by for queue in shown}
    names = users.addresses(creators.union(*assigned.values()))
    return [
        Progress(
            queue=queue, model=named[queue.model_id], creator=names.get(queue.created_by, "unknown"),
            items=items[queue.id], people=[names.get(one, "unknown") for one in assigned[queue.id]],
            mine=_for(caller, queue, items[queue.id], assigned[queue.id]),
        )
        for queue in shown
    ]  # fmt: skip


def _items(caller: Caller, shown: Sequence[ReviewQueue]) -> dict[UUID, list[Item]]:
    """Return each queue's items that a caller may see, in their order; none that was dropped or erased meanwhile."""
    queues = {queue.id: queue for queue in shown}
    there = select(Prediction.id).where(
        Prediction.id == ReviewItem.prediction_id, Prediction.output.is_not(None), visible(caller)
    )
    # Each is looked up: with a limit PostgreSQL cannot choose to read all predictions instead.
    rows = db.session.execute(
        select(*ReviewItem.__table__.columns).join(there.limit(1).lateral(), true())
        .where(ReviewItem.queue_id.in_(list(queues))).order_by(ReviewItem.place)
    ).all()  # fmt: skip
    said: dict[tuple[UUID | None, UUID], list[Review]] = defaultdict(list)
    texts = (defer(Review.reason), defer(Review.note))
    reviews = (
        select(Review).where(Review.queue_id.in_(list(queues))).options(*texts).order_by(Review.id)
    )
    for review in db.session.scalars(reviews):
        said[review.queue_id, review.prediction_id].append(review)
    found: dict[UUID, list[Item]] = {queue.id: [] for queue in shown}
    for row in rows:
        reviews_of_it = said[row.queue_id, row.prediction_id]
        found[row.queue_id].append(_item(queues[row.queue_id], row, reviews_of_it))
    return found


def _item(queue: ReviewQueue, row: Row[Any], reviews: Sequence[Review]) -> Item:
    is_fresh = row.claimed_at is not None and row.claimed_at > datetime.now(UTC) - _CLAIM
    return Item(
        prediction_id=row.prediction_id, place=row.place, reviews=reviews, state=_state(queue, reviews),
        claimed_by=row.claimed_by if is_fresh else None,
    )  # fmt: skip


def _lock(queue: ReviewQueue) -> None:
    """Wait for who works in a queue, and read it again."""
    db.session.refresh(queue, with_for_update=True)


def _is_taken(item: Item, caller: Caller) -> bool:
    return item.claimed_by not in (None, caller.user_id)


def _state(queue: ReviewQueue, reviews: Sequence[Review]) -> State:
    if any(review.adjudicates for review in reviews):
        return State.DONE
    if len(reviews) < queue.people:
        return State.OPEN
    return State.DISPUTED if queue.people == 2 and _differ(reviews) else State.DONE


def _differ(reviews: Sequence[Review]) -> bool:
    return len({(one.verdict, canonical.encode(one.correction)) for one in reviews[:2]}) > 1


def _for(
    caller: Caller, queue: ReviewQueue, items: Sequence[Item], assigned: Collection[UUID]
) -> list[Item]:
    """Return the items that a caller can do something about."""
    if queue.closed_at is not None or not caller.may(Scope.REVIEW):
        return []
    is_reviewer, may_decide = caller.user_id in assigned, decides(caller, queue)
    return [
        item for item in items
        if (is_reviewer or (may_decide and item.state is State.DISPUTED)) and item.is_for(caller, decides=may_decide)
    ]  # fmt: skip


def _assigned(shown: Sequence[ReviewQueue]) -> dict[UUID, list[UUID]]:
    """Return who reviews the items of each queue."""
    found: dict[UUID, list[UUID]] = {queue.id: [] for queue in shown}
    query = select(ReviewAssignment).where(ReviewAssignment.queue_id.in_(list(found)))
    for one in db.session.scalars(query.order_by(ReviewAssignment.user_id)):
        found[one.queue_id].append(one.user_id)
    return found


def _is_assigned(queue: ReviewQueue, user_id: UUID) -> bool:
    return user_id in _assigned([queue])[queue.id]
