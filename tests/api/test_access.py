"""Who may call the API."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from app.extensions import db
from app.models import Scope, Token
from app.services import tokens, users
from tests.support.cast import GOOD_ROW, sign_in

PREDICT = "/api/v1/models/churn/predictions"


def token_with(app, email, *scopes, lasts=None):
    with app.app_context():
        token, secret = tokens.create_token(users.find_user(email), "t", scopes, lasts=lasts)
        db.session.commit()
        return token.id, {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 201), ("colleague", 201), ("stranger", 404), ("auditor", 403), ("admin", 201)],
)
def test_who_may_ask_for_predictions(client, cast, who, status):
    answer = client.post(PREDICT, json={"inputs": [GOOD_ROW]}, headers=cast[who].bearer)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer dbk_" + "a" * 38},
        {"Authorization": "Digest username=x"},
        {"Authorization": "Basic !!!"},
    ],
)
def test_without_a_good_token_the_answer_is_401(client, cast, headers):
    answer = client.get("/api/v1/models", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.content_type == "application/problem+json"


def test_a_token_may_be_sent_as_a_basic_password(client, cast):
    pair = base64.b64encode(f"anything:{cast['owner'].token}".encode()).decode()
    answer = client.get("/api/v1/models", headers={"Authorization": f"Basic {pair}"})
    assert answer.status_code == 200


def test_a_session_cookie_does_not_open_the_api(client, cast):
    sign_in(client, cast["admin"])
    assert client.get("/api/v1/models").status_code == 401


def test_a_scope_that_a_token_lacks_is_refused(app, client, cast):
    _, headers = token_with(app, "owner@example.com", Scope.READ_OWN)
    answer = client.post(PREDICT, json={"inputs": [GOOD_ROW]}, headers=headers)
    assert answer.status_code == 403
    assert "predict" in answer.get_json()["detail"]


def test_a_refusal_for_a_missing_scope_is_recorded(app, client, cast):
    _, headers = token_with(app, "owner@example.com", Scope.READ_OWN)
    client.post(PREDICT, json={"inputs": [GOOD_ROW]}, headers=headers)
    data = client.get("/api/v1/predictions", headers=headers).get_json()["data"]
    assert [record["status"] for record in data] == ["refused"]
    assert data[0]["output"]["type"] == "urn:daybook:problem:not-allowed"


def test_read_own_shows_only_ones_own_records(app, client, cast):
    client.post(PREDICT, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)
    _, headers = token_with(app, "colleague@example.com", Scope.READ_OWN, Scope.PREDICT)
    assert client.get("/api/v1/predictions", headers=headers).get_json()["data"] == []
    client.post(PREDICT, json={"inputs": [GOOD_ROW]}, headers=headers)
    assert len(client.get("/api/v1/predictions", headers=headers).get_json()["data"]) == 1


def test_a_revoked_token_stops_at_once(app, client, cast):
    identifier, headers = token_with(app, "owner@example.com", Scope.READ_ALL)
    assert client.get("/api/v1/models", headers=headers).status_code == 200
    with app.app_context():
        tokens.revoke_token(identifier, user_id=None, actor_id=None)
        db.session.commit()
    assert client.get("/api/v1/models", headers=headers).status_code == 401


def test_an_expired_token_stops(app, client, cast):
    identifier, headers = token_with(
        app, "owner@example.com", Scope.READ_ALL, lasts=timedelta(days=1)
    )
    assert client.get("/api/v1/models", headers=headers).status_code == 200
    with app.app_context():
        db.session.get_one(Token, identifier).expires_at = datetime.now(UTC)
        db.session.commit()
    assert client.get("/api/v1/models", headers=headers).status_code == 401


def test_the_tokens_of_a_disabled_person_stop_at_once(app, client, cast):
    with app.app_context():
        users.set_active(users.find_user("owner@example.com"), False)
        db.session.commit()
    assert client.get("/api/v1/models", headers=cast["owner"].bearer).status_code == 401


def test_a_token_never_outlives_the_rights_of_its_role(app, client, cast):
    _, headers = token_with(app, "owner@example.com", Scope.PREDICT)
    with app.app_context():
        users.find_user("owner@example.com").role = "auditor"
        db.session.commit()
    answer = client.post(PREDICT, json={"inputs": [GOOD_ROW]}, headers=headers)
    assert answer.status_code == 403


def test_the_last_use_of_a_token_is_noted(app, client, cast):
    identifier, headers = token_with(app, "owner@example.com", Scope.READ_ALL)
    client.get("/api/v1/models", headers=headers)
    with app.app_context():
        assert db.session.get_one(Token, identifier).last_used_at is not None
