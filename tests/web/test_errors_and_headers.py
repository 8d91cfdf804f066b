"""Error pages of our own, and security headers on every answer."""

import pytest

from tests.support.cast import csrf_token
from tests.web.conftest import parsed


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/nothing", "get", 404), ("/predictions", "delete", 405), ("/models/x/y/z", "get", 404)],
)
def test_people_get_pages_for_errors(browser_of, path, method, status):
    answer = getattr(browser_of("owner"), method)(path, data={"csrf_token": csrf_token()})
    assert answer.status_code == status
    page = parsed(answer)
    assert page.all("a", href="/")
    assert answer.headers["X-Request-Id"] in page.text


def test_405_tells_what_is_allowed(browser_of):
    answer = browser_of("owner").delete("/predictions", data={"csrf_token": csrf_token()})
    assert "GET" in answer.headers["Allow"]


def test_a_form_that_is_too_large_is_413(app, post, monkeypatch):
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 1000)
    answer = post("owner", "/models/churn/predict", **{"input.age": "1" * 2000})
    assert answer.status_code == 413
    parsed(answer)


def test_an_unexpected_error_is_a_page_without_its_words(app, browser_of, monkeypatch):
    def fail(*_, **__):
        raise ValueError("private words")

    monkeypatch.setattr("app.services.model_access.visible_models", fail)
    answer = browser_of("owner").get("/")
    assert answer.status_code == 500
    assert "private" not in answer.text
    parsed(answer)


def test_a_database_that_is_away_is_a_page_with_503(app, browser_of, monkeypatch):
    import psycopg2

    def away(*_, **__):
        raise psycopg2.OperationalError("connection refused")

    monkeypatch.setattr("app.services.model_access.visible_models", away)
    answer = browser_of("owner").get("/")
    assert answer.status_code == 503
    assert "Nothing was lost" in parsed(answer).text
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    "path",
    ["/", "/login", "/nothing", "/predictions", "/api/v1/models", "/livez", "/static/none.css"],
)
def test_every_answer_carries_the_security_headers(client, path):
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Request-Id"]


def test_pages_are_not_kept_by_caches(browser_of):
    assert browser_of("owner").get("/").headers["Cache-Control"] == "no-store"


def test_https_is_remembered(client):
    secure = client.get("/livez", base_url="https://localhost")
    assert "max-age" in secure.headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in client.get("/livez").headers


def test_cookies_are_out_of_reach_for_scripts_and_other_sites(client):
    client.get("/login")
    cookie = client.get_cookie("daybook")
    assert cookie.http_only
    assert cookie.same_site == "Lax"


def test_an_untrusted_host_is_refused(app, client, monkeypatch):
    monkeypatch.setitem(app.config, "TRUSTED_HOSTS", ["daybook.example.com"])
    assert client.get("/livez", base_url="http://evil.example").status_code == 400
    assert client.get("/livez", base_url="http://daybook.example.com").status_code == 200
