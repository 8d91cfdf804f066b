"""The account page: tokens made, shown once, revoked."""

import re

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Token
from tests.support.cast import csrf_token, sign_in
from tests.web.conftest import parsed


def make_token(post, who="owner", **fields):
    return post(
        who,
        "/account/tokens",
        **({"name": "nightly", "scopes": "predict", "expires": "90d"} | fields),
    )


def test_a_token_is_shown_once_and_works(app, post, client, get):
    answer = make_token(post)
    assert answer.headers["Cache-Control"] == "no-store"
    secret = re.search(r"dbk_[0-9A-Za-z]{38}", parsed(answer).text)[0]
    found = client.get("/api/v1/predictions", headers={"Authorization": f"Bearer {secret}"})
    assert found.status_code == 403  # It may predict, and nothing else.
    page = get("owner", "/account")
    assert "nightly" in page.text
    assert secret not in page.text
    assert secret[:8] in page.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "Give the token a name."),
        ({"scopes": []}, "Choose at least one."),
        ({"scopes": ""}, "valid choice"),
        ({"scopes": "admin"}, "valid choice"),
        ({"expires": "99y"}, "Not a valid choice"),
    ],
)
def test_a_token_form_with_a_fault_says_which(post, fields, words):
    answer = make_token(post, **fields)
    assert answer.status_code == 422
    assert words.lower() in parsed(answer).text.lower()


def test_a_role_is_offered_its_own_scopes_only(get):
    def offered(who):
        return {box["value"] for box in get(who, "/account").all("input", type="checkbox")}

    assert "admin" not in offered("owner")
    assert "predict" not in offered("auditor")
    assert offered("admin") >= {"admin", "predict", "audit"}


def test_making_a_token_asks_for_the_password_when_it_was_long_ago(app, client, cast):
    sign_in(client, cast["owner"])
    with client.session_transaction() as session:
        session["fs_paa"] -= 31 * 60
    data = {"csrf_token": csrf_token(), "name": "n", "scopes": "predict", "expires": "90d"}
    answer = client.post("/account/tokens", data=data)
    assert answer.status_code == 302
    assert answer.location.startswith("/verify")
    wrong = client.post("/verify", data={"csrf_token": csrf_token(), "password": "wrong one here"})
    assert "password is wrong" in parsed(wrong).text
    from tests.support.cast import PASSWORD

    client.post("/verify", data={"csrf_token": csrf_token(), "password": PASSWORD})
    assert client.post("/account/tokens", data=data).status_code == 200


def test_a_token_is_revoked_by_its_owner_only(app, post, cast):
    with app.app_context():
        token = db.session.scalar(select(Token).where(Token.user_id == cast["owner"].id))
    assert post("stranger", f"/account/tokens/{token.id}/revoke").status_code == 404
    assert post("owner", f"/account/tokens/{token.id}/revoke").status_code == 302
    with app.app_context():
        assert db.session.get_one(Token, token.id).revoked_at is not None


def test_revoking_needs_the_form_token(app, browser_of, cast):
    with app.app_context():
        token = db.session.scalar(select(Token).where(Token.user_id == cast["owner"].id))
    assert browser_of("owner").post(f"/account/tokens/{token.id}/revoke").status_code == 400
