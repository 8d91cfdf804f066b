"""Answers drafted while their records are written: they leave when the records are committed, or not at all."""

import threading
from contextlib import closing

import psycopg2
import pytest

from app.extensions import db
from app.models import User
from app.recorder.lanes import Lanes
from app.recorder.tickets import Ticket
from app.services.errors import NotSignedInError
from tests.support.asking import request_of
from tests.support.cast import GOOD_ROW

TENSORS = [
    {"name": name, "datatype": kind, "shape": [1], "data": [GOOD_ROW[name]]}
    for name, kind in (("age", "FP64"), ("visits", "INT64"), ("country", "BYTES"))
]


@pytest.fixture
def service(fresh_app, cast):
    with fresh_app.app_context():
        yield fresh_app.extensions["predictions"]


@pytest.fixture
def committed(fresh_url):
    """Returns how many records others see."""
    with closing(psycopg2.connect(fresh_url)) as other, other.cursor() as cursor:
        other.autocommit = True

        def count():
            cursor.execute("SELECT count(*) FROM predictions")
            return cursor.fetchone()[0]

        yield count


@pytest.mark.parametrize("key", [None, "a key"])
def test_an_answer_is_drafted_before_its_record_is_committed(service, cast, committed, key):
    seen = []
    ask = request_of(cast["owner"], respond=lambda answer: seen.append(committed()) or answer.rows)
    ask.key = key
    before = committed()
    answer = service.predict(ask)
    assert seen == [before]
    assert committed() == before + 1
    assert ask.draft == (answer, answer.rows)


def test_a_draft_that_fails_costs_no_record(service, cast, committed):
    ask = request_of(cast["owner"], respond=lambda answer: answer.nothing_of_the_kind)
    before = committed()
    answer = service.predict(ask)
    assert len(answer.rows) == 1
    assert committed() == before + 1
    assert ask.draft is None


def test_a_draft_does_not_leave_when_authority_was_lost(service, cast, committed):
    ask = request_of(cast["owner"], respond=lambda answer: answer.rows)
    before = committed()
    db.session.get_one(User, ask.caller.user_id).active = False
    db.session.commit()
    with pytest.raises(NotSignedInError):
        service.predict(ask)
    assert ask.draft is not None
    assert committed() == before


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(
    ("door", "body"),
    [
        ("/api/v1/models/churn/predictions", {"inputs": [GOOD_ROW]}),
        ("/v1/models/churn:predict", {"instances": [GOOD_ROW]}),
        ("/v2/models/churn/infer", {"inputs": TENSORS}),
        ("/models/churn/invocations", {"dataframe_records": [GOOD_ROW]}),
    ],
)
def test_all_doors_draft_by_the_thread_that_records(
    fresh_app, cast, monkeypatch, door, body, alone
):
    """Nothing is suppressed here: a draft that fails is an error."""
    drafted = []

    def draft_answer(ticket):
        drafted.append(threading.current_thread().name)
        ticket.write_draft(ticket.records)

    monkeypatch.setattr(Ticket, "draft_answer", draft_answer)
    if not alone:
        monkeypatch.setattr(Lanes, "_open_for", lambda *_: None)
    answer = fresh_app.test_client().post(door, json=body, headers=cast["owner"].bearer)
    assert answer.status_code in (200, 201)
    assert drafted == ["MainThread" if alone else "lane"]
