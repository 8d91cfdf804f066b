"""Races: many who use one key, many who come at once, and those who take authority away meanwhile."""

import threading
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest
from sqlalchemy import func, select

from app import create_app
from app.errors import REPLAYED
from app.extensions import db
from app.models import Prediction
from app.services import tokens, users
from tests.support.cast import GOOD_ROW
from tests.support.live import live_server
from tests.support.postgres import dispose, settings_for
from tests.support.waiting import until, waits_for_a_lock

URL = "/api/v1/models/churn/predictions"


def test_one_key_in_two_processes_is_one_request(fresh_app, fresh_url, tmp_path):
    """Everybody is told the same, or to wait; nobody makes a second record."""
    headers = fresh_app.extensions["cast"]["owner"].bearer
    told, turn = defaultdict(list), threading.Barrier(8, timeout=30)

    def ask(_):
        for number in range(40):
            turn.wait()
            with server.session(headers | {"Idempotency-Key": f"order {number}"}) as session:
                told[number].append(session.post(URL, {"inputs": [GOOD_ROW]}))

    with (
        live_server(fresh_url, tmp_path, WEB_CONCURRENCY="2") as server,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(ask, range(8)))
    statuses = Counter(answer.status for answers in told.values() for answer in answers)
    assert set(statuses) == {201, 409}, statuses
    for answers in told.values():
        answered = [answer for answer in answers if answer.status == 201]
        assert len({answer.body for answer in answered}) == 1
        assert [REPLAYED.lower() in answer.headers for answer in answered].count(False) == 1
        assert all("retry-after" in answer.headers for answer in answers if answer.status == 409)
    with fresh_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Prediction)) == 40


def test_a_revocation_waits_for_what_is_being_recorded(fresh_app, fresh_url):
    """When it returns, everything recorded under the token is in the book, and nothing more will be."""
    with fresh_app.app_context():
        _, secret = tokens.create_token(users.find_user("owner@example.com"), "t", ["predict"])
        db.session.commit()

    def ask():
        answer = fresh_app.test_client().post(
            URL, json={"inputs": [GOOD_ROW]}, headers={"Authorization": f"Bearer {secret}"}
        )
        return answer.status_code

    def revoke():
        with fresh_app.app_context():
            caller = tokens.authenticate_token(secret)
            tokens.revoke_token(caller.token_id, user_id=None, actor_id=None)
            db.session.commit()

    assert ask() == 201
    with closing(psycopg2.connect(fresh_url)) as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE predictions IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(2) as pool:
            asked = pool.submit(ask)
            until(lambda: waits_for_a_lock(fresh_url) == 1)  # With its authority found good.
            revoked = pool.submit(revoke)
            until(lambda: waits_for_a_lock(fresh_url) == 2)
            assert not revoked.done()
            blocker.rollback()
            assert asked.result() == 201
            revoked.result()
    assert ask() == 401
    with fresh_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Prediction)) == 2


@pytest.fixture
def narrow_app(fresh_url, cast, tmp_path):
    """An application in which four rows may wait, for a second."""
    limits = {"DAYBOOK_QUEUE_ROWS": "4", "DAYBOOK_DEADLINE_SECONDS": "1"}
    app = create_app(settings_for(fresh_url, tmp_path / "home", **limits))
    yield app
    dispose(app)


def test_too_much_is_answered_503_with_retry_after_and_the_rest_when_it_can_be(
    narrow_app, cast, fresh_url
):
    def ask(who):
        return narrow_app.test_client().post(
            URL, json={"inputs": [GOOD_ROW]}, headers=cast[who].bearer
        )

    assert ask("owner").status_code == 201
    with closing(psycopg2.connect(fresh_url)) as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE predictions IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(12) as pool:
            first = pool.submit(ask, "owner")
            until(lambda: waits_for_a_lock(fresh_url) == 1)
            others = [pool.submit(ask, who) for who in ["owner", "colleague"] * 5]
            refused = [other.result() for other in others[:6] if other.result().status_code == 503]
            blocker.rollback()
            assert first.result().status_code == 201
    assert refused
    assert all(answer.headers["Retry-After"] for answer in refused)
    assert {answer.get_json()["type"] for answer in refused} == {"urn:daybook:problem:overloaded"}
    assert ask("owner").status_code == 201
