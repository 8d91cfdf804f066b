"""Signing in and out, and how passwords are changed."""

import time
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Event, EventKind
from app.services import users
from tests.support.cast import PASSWORD, csrf_token, sign_in
from tests.web.conftest import parsed


def token_of(client, path="/login"):
    return parsed(client.get(path)).all("input", name="csrf_token")[0]["value"]


def try_sign_in(client, email, password, **more):
    data = {"email": email, "password": password, "csrf_token": token_of(client)} | more
    return client.post("/login", data=data)


def events(app):
    with app.app_context():
        return list(db.session.scalars(select(Event.kind).order_by(Event.id)))


def test_a_person_signs_in_and_out(app, client):
    answer = try_sign_in(client, "Owner@example.com", PASSWORD)
    assert (answer.status_code, answer.location) == (302, "/")
    page = parsed(client.get("/"))
    assert "owner@example.com" in page.text
    token = page.all("input", name="csrf_token")[0]["value"]
    assert client.post("/logout", data={"csrf_token": token}).location == "/login"
    assert client.get("/").status_code == 302
    assert events(app)[-2:] == [EventKind.SIGNED_IN, EventKind.SIGNED_OUT]


def test_signing_out_needs_a_post_with_its_token(client, cast):
    sign_in(client, cast["owner"])
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").status_code == 400
    assert client.get("/").status_code == 200


def test_a_copy_of_the_cookie_counts_no_more_after_signing_out(app, client):
    try_sign_in(client, "owner@example.com", PASSWORD)
    copy = client.get_cookie("daybook").value
    client.post("/logout", data={"csrf_token": token_of(client, "/")})
    thief = app.test_client()
    thief.set_cookie("daybook", copy)
    assert thief.get("/account").status_code == 302


def test_after_signing_in_the_wanted_page_follows(client):
    wanted = client.get("/predictions?q=status:refused")
    assert wanted.status_code == 302
    answer = client.get(wanted.location)
    hidden = parsed(answer).all("input", name="next")[0]["value"]
    assert hidden == "/predictions?q=status:refused"
    answer = try_sign_in(client, "owner@example.com", PASSWORD, next=hidden)
    assert answer.location == "/predictions?q=status:refused"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", r"\\evil.example"])
def test_nobody_is_sent_to_another_site(client, target):
    answer = try_sign_in(client, "owner@example.com", PASSWORD, next=target)
    assert urlsplit(answer.location or "").netloc == ""
    assert not (answer.location or "").startswith(("//", "\\"))


def test_unknown_people_and_wrong_passwords_look_alike(client):
    def outcome(email, password):
        answer = try_sign_in(client, email, password)
        words = parsed(answer).text
        return answer.status_code, words

    unknown = outcome("nobody@example.com", "wrong password here")
    wrong = outcome("owner@example.com", "wrong password here")
    assert unknown == wrong
    assert "Address or password is wrong." in wrong[1]


def test_disabled_people_with_a_wrong_password_look_like_unknown_ones(app, client):
    with app.app_context():
        users.set_active(users.find_user("owner@example.com"), False)
        db.session.commit()
    for password in ("wrong password here", PASSWORD):
        answer = try_sign_in(client, "owner@example.com", password)
        assert "Address or password is wrong." in parsed(answer).text


def test_an_unknown_person_takes_as_long_as_a_wrong_password(client):
    def fastest(email):
        times = []
        for _ in range(5):
            started = time.perf_counter()
            try_sign_in(client, email, "wrong password here")
            times.append(time.perf_counter() - started)
        return min(times)

    ratio = fastest("nobody@example.com") / fastest("owner@example.com")
    assert 0.5 < ratio < 2  # Without the equalizing hash it is about 0.05.


def test_a_wrong_password_is_an_event(app, client):
    try_sign_in(client, "owner@example.com", "wrong password here")
    assert events(app)[-1] == EventKind.SIGN_IN_FAILED


def test_attempts_at_one_account_are_limited(app, client, monkeypatch):
    settings = app.extensions["settings"].model_copy(update={"sign_in_limit": "3 per hour"})
    monkeypatch.setitem(app.extensions, "settings", settings)
    statuses = [
        try_sign_in(client, "owner@example.com", "wrong password here").status_code
        for _ in range(4)
    ]
    assert statuses == [200, 200, 200, 429]
    answer = try_sign_in(client, "OWNER@example.com", PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 60
    assert "Wait a while" in parsed(answer).text
    assert try_sign_in(client, "colleague@example.com", PASSWORD).status_code == 302


def test_sign_in_without_its_form_token_is_refused(client):
    data = {"email": "owner@example.com", "password": PASSWORD}
    answer = client.post("/login", data=data)
    assert answer.status_code == 400
    assert "form has expired" in answer.text


def change_password(client, old, new, again=None):
    return client.post(
        "/account/password",
        data={"csrf_token": csrf_token(), "password": old, "new_password": new,
              "new_password_confirm": again or new},
    )  # fmt: skip


def test_a_password_is_changed_and_all_other_sessions_end(app, client, cast):
    other = app.test_client()
    sign_in(client, cast["owner"])
    sign_in(other, cast["owner"])
    answer = change_password(client, PASSWORD, "a completely new sentence")
    assert (answer.status_code, answer.location) == (302, "/account")
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    assert EventKind.PASSWORD_CHANGED in events(app)
    assert try_sign_in(app.test_client(), "owner@example.com", PASSWORD).status_code == 200
    fresh = try_sign_in(app.test_client(), "owner@example.com", "a completely new sentence")
    assert fresh.status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "again", "words"),
    [
        ("wrong password here", "a completely new sentence", None, "password is wrong"),
        (PASSWORD, "short", None, "at least 12"),
        (PASSWORD, "password1234", None, "attacker"),
        (PASSWORD, "a completely new sentence", "another one entirely", "do not match"),
        (PASSWORD, PASSWORD, None, "different"),
    ],
)
def test_a_password_change_with_a_fault_says_which(client, cast, old, new, again, words):
    sign_in(client, cast["owner"])
    answer = change_password(client, old, new, again)
    assert answer.status_code == 200
    assert words in parsed(answer).text


def test_a_session_ends_after_its_hours(app, client):
    try_sign_in(client, "owner@example.com", PASSWORD)
    with client.session_transaction() as session:
        assert session.permanent
    assert app.permanent_session_lifetime.total_seconds() == 12 * 3600


def test_a_disabled_person_is_out_at_once(app, client, cast):
    sign_in(client, cast["owner"])
    assert client.get("/").status_code == 200
    with app.app_context():
        users.set_active(users.find_user("owner@example.com"), False)
        db.session.commit()
    assert client.get("/").status_code == 302
