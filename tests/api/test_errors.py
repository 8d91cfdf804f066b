"""Errors of the API are problem documents (RFC 9457), whatever went wrong."""

import psycopg2
import pytest
from psycopg2.errors import DiskFull

from tests.support.cast import GOOD_ROW

PREDICT = "/api/v1/models/churn/predictions"


def is_problem(answer, status):
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    document = answer.get_json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == answer.headers["X-Request-Id"]
    return document


def test_an_unknown_path_is_404(client, cast):
    is_problem(client.get("/api/v1/nothing", headers=cast["owner"].bearer), 404)
    is_problem(client.get("/api/v9/"), 404)


def test_a_wrong_method_is_405_with_allow(client, cast):
    answer = client.delete(PREDICT, headers=cast["owner"].bearer)
    is_problem(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


@pytest.mark.parametrize(
    ("path", "accepted", "status"),
    [
        ("ledger/checkpoint", "text/plain", 404),  # Nothing is sealed here.
        ("ledger/checkpoint", "image/png", 406),
        ("ledger/tile/0/000.p/1", "application/octet-stream", 404),
        ("exports", "application/zip", 400),
        ("exports", "text/csv", 406),
    ],
)
def test_a_caller_may_accept_what_the_route_answers_and_nothing_else(
    client, cast, path, accepted, status
):
    """That is what the page of the API sends."""
    headers = cast["owner"].bearer | {"Accept": accepted}
    is_problem(client.get(f"/api/v1/{path}?q=aeg:1", headers=headers), status)


@pytest.mark.parametrize("accepted", ["text/html", "text/csv;q=1", "application/json;q=0"])
def test_a_caller_that_accepts_no_json_gets_406(client, cast, accepted):
    headers = cast["owner"].bearer | {"Accept": accepted}
    is_problem(client.get("/api/v1/models", headers=headers), 406)


@pytest.mark.parametrize(
    "accepted", ["*/*", "application/json", "application/*", "text/html, */*;q=0.1"]
)
def test_a_caller_that_accepts_json_is_answered(client, cast, accepted):
    headers = cast["owner"].bearer | {"Accept": accepted}
    assert client.get("/api/v1/models", headers=headers).status_code == 200


def test_a_model_without_an_active_version_is_409(app, client, cast):
    from app.extensions import db
    from app.services.registry import get_model

    with app.app_context():
        get_model("churn").active_number = None
        db.session.commit()
    is_problem(client.post(PREDICT, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer), 409)


def test_too_many_calls_are_429_with_retry_after(app, client, cast, monkeypatch):
    settings = app.extensions["settings"].model_copy(update={"api_limit": "2 per minute"})
    monkeypatch.setitem(app.extensions, "settings", settings)
    statuses = [client.get("/api/v1/models", headers=cast["owner"].bearer) for _ in range(3)]
    assert [answer.status_code for answer in statuses] == [200, 200, 429]
    is_problem(statuses[2], 429)
    assert 0 < int(statuses[2].headers["Retry-After"]) <= 60


def test_without_a_record_there_is_no_answer(app, client, cast, monkeypatch):
    def refuse(*_):
        raise DiskFull

    monkeypatch.setattr(app.extensions["recorder"]._book, "call", refuse)
    answer = client.post(PREDICT, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)
    document = is_problem(answer, 503)
    assert "Retry-After" in answer.headers
    assert "output" not in document


def test_a_database_that_is_away_is_503(app, client, cast, monkeypatch):
    def away(*_, **__):
        raise psycopg2.OperationalError("connection refused to secret-host")

    monkeypatch.setattr("app.services.model_access.visible_models", away)
    answer = client.get("/api/v1/models", headers=cast["owner"].bearer)
    is_problem(answer, 503)
    assert "secret-host" not in answer.text


def test_an_unexpected_error_is_500_without_its_words(app, client, cast, monkeypatch):
    def fail(*_, **__):
        raise ValueError("private words")

    monkeypatch.setattr("app.services.model_access.visible_models", fail)
    answer = client.get("/api/v1/models", headers=cast["owner"].bearer)
    is_problem(answer, 500)
    assert "private" not in answer.text


@pytest.mark.parametrize("given", ["abc-123", "req:1.2_3"])
def test_a_good_request_id_is_echoed(client, cast, given):
    assert client.get("/livez", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["a b", "x" * 200, "<script>"])
def test_another_request_id_is_replaced(client, cast, given):
    assert client.get("/livez", headers={"X-Request-Id": given}).headers["X-Request-Id"] != given
