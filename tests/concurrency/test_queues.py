"""Many people review one queue at once: each item as often as is wanted, and nobody twice."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Review
from app.services import queues
from app.services.errors import ConflictError
from app.services.reviewing import Draft
from app.services.sampling import Sample
from tests.support.asking import ask

PEOPLE = ("owner", "colleague", "admin")


@pytest.mark.parametrize("people", [1, 2])
def test_every_item_is_reviewed_as_often_as_is_wanted(fresh_app, cast, people):
    with fresh_app.app_context():
        ask(fresh_app, cast["owner"], rows=12)
        addresses = [cast[who].email for who in PEOPLE]
        sample = Sample(rule="random", size=12)
        queue_id = queues.open_queue(
            cast["owner"].caller, "busy", "churn", "", sample, people=people, assigned=addresses
        ).id
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(work, fresh_app, cast[who].caller, queue_id) for who in PEOPLE * 2]
        for job in jobs:
            job.result()
    with fresh_app.app_context():
        reviews = db.session.scalars(select(Review)).all()
        counts = Counter(review.prediction_id for review in reviews)
        assert set(counts.values()) == {people}
        assert len(counts) == 12
        assert len({(one.prediction_id, one.actor_id) for one in reviews}) == 12 * people


def work(app, caller, queue_id: UUID) -> None:
    """Review until nothing is left; who is late is told, and goes on."""
    with app.app_context():
        while True:
            queue = queues.get_queue(caller, queue_id)
            if (item := queues.next_item(caller, queue)) is None:
                return
            with suppress(ConflictError):
                queues.review_item(caller, queue, item.prediction_id, Draft(verdict="agree"))
            db.session.rollback()
