"""Answers drafted while their records are written: they leave when the records are committed, or not at all."""

from contextlib import closing

import psycopg2
import pytest

from app.extensions import db
from app.models import User
from app.services.errors import NotSignedInError
from tests.support.asking import request_of


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
    assert ask.drafted is answer
    assert ask.response is answer.rows


def test_a_draft_that_fails_costs_no_record(service, cast, committed):
    ask = request_of(cast["owner"], respond=lambda answer: answer.nothing_of_the_kind)
    before = committed()
    answer = service.predict(ask)
    assert len(answer.rows) == 1
    assert committed() == before + 1
    assert ask.drafted is None
    assert ask.response is None


def test_a_draft_does_not_leave_when_authority_was_lost(service, cast, committed):
    ask = request_of(cast["owner"], respond=lambda answer: answer.rows)
    before = committed()
    db.session.get_one(User, ask.caller.user_id).active = False
    db.session.commit()
    with pytest.raises(NotSignedInError):
        service.predict(ask)
    assert ask.response is not None
    assert committed() == before
