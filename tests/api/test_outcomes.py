"""Outcomes by the API: one, and many."""

import pytest

from app.models import Scope
from tests.api.test_access import token_with
from tests.support.asking import ask

MANY = "/api/v1/outcomes"


@pytest.fixture
def asked(app, cast):
    with app.app_context():
        return ask(app, cast["owner"], rows=3, references=["A", "B", "C"])


def url(identifier):
    return f"/api/v1/predictions/{identifier}/outcome"


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 201), ("colleague", 201), ("stranger", 404), ("auditor", 403), ("admin", 201)],
)
def test_who_may_report_an_outcome(client, cast, asked, who, status):
    headers = cast[who].bearer
    assert (
        client.post(url(asked[0]), json={"outcome": "yes"}, headers=headers).status_code == status
    )
    many = client.post(
        MANY, json={"outcomes": [{"reference": "B", "outcome": "no"}]}, headers=headers
    )
    recorded = many.get_json().get("recorded")
    assert (many.status_code, recorded) == {201: (200, 1), 404: (200, 0), 403: (403, None)}[status]


def test_the_same_outcome_again_is_no_new_one_and_the_record_tells_of_it(client, cast, asked):
    for status, fate in ((201, "recorded"), (200, "unchanged")):
        answer = client.post(url(asked[0]), json={"outcome": "yes"}, headers=cast["owner"].bearer)
        assert (answer.status_code, answer.get_json()["fate"]) == (status, fate)
    shown = client.get(f"/api/v1/predictions/{asked[0]}", headers=cast["owner"].bearer).get_json()
    assert shown["outcome"]["value"] == "yes"
    listed = client.get("/api/v1/predictions?q=has:outcome", headers=cast["owner"].bearer)
    assert [one["id"] for one in listed.get_json()["data"]] == [str(asked[0])]


def test_a_token_that_may_only_report_reads_nothing(app, client, asked):
    _, headers = token_with(app, "colleague@example.com", str(Scope.OUTCOME))
    assert client.post(url(asked[0]), json={"outcome": "no"}, headers=headers).status_code == 201
    assert client.get(f"/api/v1/predictions/{asked[0]}", headers=headers).status_code == 403
    _, stranger = token_with(app, "stranger@example.com", str(Scope.OUTCOME))
    assert client.post(url(asked[0]), json={"outcome": "no"}, headers=stranger).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/outcome"), ({"outcome": "maybe"}, "/outcome"), ({"outcome": None}, "/outcome"), ({"outcome": "yes", "by": 1}, "/by"),
    ],
)  # fmt: skip
def test_a_bad_outcome_is_refused_at_its_place(client, cast, asked, body, pointer):
    answer = client.post(url(asked[0]), json=body, headers=cast["owner"].bearer)
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize(
    ("content", "type_", "status"),
    [
        (b"[]", "application/json", 400), (b"{", "application/json", 400), (b"{}", "text/plain", 415),
        (b'{"outcomes": {}}', "application/json", 422), (b'{"outcomes": [1]}', "application/json", 422),
        (b'{"outcomes": [{"id": 5, "outcome": 1}]}', "application/json", 422),
        (b'{"outcomes": [{"outcome": "yes", "outcome": "no"}]}', "application/json", 400),
    ],
)  # fmt: skip
def test_a_body_that_is_no_list_of_outcomes_is_refused(client, cast, content, type_, status):
    answer = client.post(MANY, data=content, content_type=type_, headers=cast["owner"].bearer)
    assert answer.status_code == status, answer.text


def test_many_have_each_their_fate(client, cast, asked):
    body = {
        "outcomes": [{"id": str(asked[0]), "outcome": "yes"}, {"reference": "B", "outcome": "x"}]
    }
    answer = client.post(MANY, json=body, headers=cast["owner"].bearer).get_json()
    assert (answer["recorded"], answer["unchanged"], answer["refused"]) == (1, 0, 1)
    assert answer["results"][0]["prediction_id"] == str(asked[0])
    assert "Give one of" in answer["results"][1]["why"]
