"""Idempotency-Key: the same request, answered once."""

import json

import pytest
from sqlalchemy import select

from app.errors import REPLAYED
from app.extensions import db
from app.models import Prediction
from app.services import tokens
from tests.support.cast import GOOD_ROW

#: What is recorded, and what is repeated, is decided in SQL.
pytestmark = pytest.mark.postgres
URL = "/api/v1/models/churn/predictions"


def ask(client, member, inputs, key="order-1", url=URL):
    headers = member.bearer | {"Idempotency-Key": key}
    body = json.dumps({"inputs": inputs})
    return client.post(url, data=body, content_type="application/json", headers=headers)


def statuses(app):
    with app.app_context():
        return sorted(db.session.scalars(select(Prediction.status)))


@pytest.mark.parametrize("inputs", [[GOOD_ROW], [GOOD_ROW] * 3, [{"age": "old"}]])
def test_the_same_request_gets_the_same_bytes_and_no_second_record(app, client, cast, inputs):
    first = ask(client, cast["owner"], inputs)
    made = statuses(app)
    again = ask(client, cast["owner"], inputs)
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert again.content_type == first.content_type
    assert statuses(app) == made


def test_quotes_around_a_key_are_the_drafts_and_no_part_of_it(app, client, cast):
    first = ask(client, cast["owner"], [GOOD_ROW], key='"a"')
    assert ask(client, cast["owner"], [GOOD_ROW], key="a").data == first.data
    assert statuses(app) == ["accepted"]


def test_another_request_under_the_key_is_refused_and_recorded(app, client, cast):
    assert ask(client, cast["owner"], [GOOD_ROW]).status_code == 201
    other = ask(client, cast["owner"], [GOOD_ROW | {"age": 45.0}])
    assert other.status_code == 422
    assert other.get_json()["type"] == "urn:daybook:problem:idempotency-key-reused"
    version = ask(
        client, cast["owner"], [GOOD_ROW], url="/api/v1/models/churn/versions/1/predictions"
    )
    assert version.status_code == 422
    assert statuses(app) == ["accepted", "refused", "refused"]


def test_each_caller_has_keys_of_their_own(app, client, cast):
    first = ask(client, cast["owner"], [GOOD_ROW])
    other = ask(client, cast["colleague"], [GOOD_ROW])
    assert other.status_code == 201
    assert other.data != first.data
    assert statuses(app) == ["accepted", "accepted"]


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "café"])
def test_what_is_no_key_is_refused(app, client, cast, key):
    answer = ask(client, cast["owner"], [GOOD_ROW], key=key.encode().decode("latin-1"))
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.get_json()["detail"]
    assert statuses(app) == ["refused"]


def test_a_revoked_token_gets_no_answer_though_it_was_known_a_moment_ago(app, client, cast):
    assert ask(client, cast["owner"], [GOOD_ROW]).status_code == 201
    with app.app_context():
        (token,) = tokens.list_tokens(cast["owner"].id)
        tokens.revoke_token(token.id, user_id=None, actor_id=None)
        db.session.commit()
    assert (
        ask(client, cast["owner"], [GOOD_ROW]).status_code == 401
    )  # Not even the answer of before.
    assert ask(client, cast["owner"], [GOOD_ROW], key="order-2").status_code == 401
    assert statuses(app) == ["accepted"]


def counted(client):
    """The requests for predictions that arrived, and by fate those that were answered."""
    fates, arrived, in_flight = {}, 0.0, 0.0
    for line in client.get("/metrics").text.splitlines():
        name, _, number = line.rpartition(" ")
        if name.startswith("daybook_prediction_answers_total{"):
            fates[name.split('"')[1]] = float(number)
        elif name == "daybook_prediction_requests_total":
            arrived = float(number)
        elif name.startswith("daybook_prediction_requests_in_flight"):
            in_flight += float(number)
    return arrived, fates, in_flight


def test_every_request_that_arrives_is_counted_with_one_fate(app, client, cast):
    before, fates, _ = counted(client)
    ask(client, cast["owner"], [GOOD_ROW])
    ask(client, cast["owner"], [GOOD_ROW])
    ask(client, cast["owner"], [{"age": "old"}], key="order-2")
    ask(client, cast["owner"], [GOOD_ROW], key="order-3", url="/api/v1/models/none/predictions")
    ask(client, cast["auditor"], [GOOD_ROW])
    after, now, in_flight = counted(client)
    grown = {fate: int(now[fate] - fates.get(fate, 0)) for fate in now}
    assert {fate: count for fate, count in grown.items() if count} == {
        "recorded": 1, "replayed": 1, "refused": 3,
    }  # fmt: skip
    assert after - before == sum(grown.values())
    assert in_flight == 0
    assert after == sum(now.values())
