"""Reviews by the API."""

import pytest

from app.models import Scope
from tests.api.test_access import token_with
from tests.support.asking import ask


@pytest.fixture
def asked(app, cast):
    with app.app_context():
        return ask(app, cast["owner"], rows=2)


def url(identifier):
    return f"/api/v1/predictions/{identifier}/reviews"


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 201), ("colleague", 201), ("stranger", 404), ("auditor", 403), ("admin", 201)],
)
def test_who_may_review(client, cast, asked, who, status):
    answer = client.post(url(asked[0]), json={"verdict": "agree"}, headers=cast[who].bearer)
    assert answer.status_code == status


def test_a_record_tells_its_reviews_and_exports_do(client, cast, asked):
    body = {"verdict": "unsure", "reason": "age", "note": "Ask."}
    made = client.post(url(asked[0]), json=body, headers=cast["owner"].bearer).get_json()
    shown = client.get(
        f"/api/v1/predictions/{asked[0]}", headers=cast["colleague"].bearer
    ).get_json()
    assert shown["reviews"] == [made]
    assert {name: made[name] for name in body} == body


def test_who_reviews_must_be_able_to_read_and_to_report_an_outcome_if_they_do(app, client, asked):
    _, headers = token_with(app, "owner@example.com", str(Scope.REVIEW))
    assert client.post(url(asked[0]), json={"verdict": "agree"}, headers=headers).status_code == 404
    _, headers = token_with(app, "owner@example.com", str(Scope.REVIEW), str(Scope.READ_OWN))
    assert client.post(url(asked[0]), json={"verdict": "agree"}, headers=headers).status_code == 201
    for value in ("yes", "no"):
        body = {"verdict": "disagree", "correction": value, "is_outcome": True}
        answer = client.post(url(asked[0]), json=body, headers=headers)
        assert answer.status_code in (403, 422)
        assert answer.status_code == 403 or "what the model answered" in answer.text


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/verdict"), ({"verdict": 1}, "/verdict"), ({"verdict": "agree", "note": 5}, "/note"),
        ({"verdict": "disagree", "correction": "x"}, "/correction"), ({"verdict": "agree", "is_outcome": "yes"}, "/is_outcome"),
        ({"verdict": "agree", "by": "me"}, "/by"),
    ],
)  # fmt: skip
def test_a_bad_review_is_refused_at_its_place(client, cast, asked, body, pointer):
    answer = client.post(url(asked[0]), json=body, headers=cast["owner"].bearer)
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, pointer)
