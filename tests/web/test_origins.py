"""Pages of other origins call the API only where the operator lists them."""

import pytest

from app import create_app
from config import SettingsError, load_settings
from tests.support.cast import GOOD_ROW
from tests.support.postgres import dispose, settings_for

URL = "/api/v1/models/churn/predictions"
FRIEND, STRANGER = "https://app.example.com", "https://app.example.com.evil.example"
ASK = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
def open_client(fresh_url, cast, tmp_path):
    app = create_app(
        settings_for(fresh_url, tmp_path, DAYBOOK_ALLOWED_ORIGINS=f"http://localhost:3000 {FRIEND}")
    )
    yield app.test_client()
    dispose(app)


def opened(answer):
    return answer.headers.get("Access-Control-Allow-Origin")


def test_by_default_nobody_is_let_in(client, cast):
    headers = cast["owner"].bearer | {"Origin": FRIEND}
    assert opened(client.post(URL, json={"inputs": [GOOD_ROW]}, headers=headers)) is None
    assert opened(client.options(URL, headers={"Origin": FRIEND} | ASK)) is None


def test_a_listed_origin_asks_and_is_answered(open_client, cast):
    asked = open_client.options(URL, headers={"Origin": FRIEND} | ASK)
    assert (asked.status_code, opened(asked), asked.data) == (204, FRIEND, b"")
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in asked.headers
    headers = cast["owner"].bearer | {"Origin": FRIEND}
    answer = open_client.post(URL, json={"inputs": [GOOD_ROW]}, headers=headers)
    assert (answer.status_code, opened(answer)) == (201, FRIEND)
    assert "Origin" in answer.headers["Vary"]
    refused = open_client.post("/v2/models/nothing/infer", json={}, headers=headers)
    assert (refused.status_code, opened(refused)) == (404, FRIEND), "errors can be read, too"


@pytest.mark.parametrize("origin", [STRANGER, "null", "http://app.example.com", ""])
def test_others_are_not_let_in_and_nobody_to_pages(open_client, cast, origin):
    asked = open_client.options(URL, headers={"Origin": origin} | ASK)
    assert opened(asked) is None
    assert opened(open_client.get("/login", headers={"Origin": FRIEND})) is None


@pytest.mark.parametrize(
    "origins", ["*", "app.example.com", "https://a.example/", "https://u@a.example"]
)
def test_what_is_no_origin_is_refused_at_the_start(monkeypatch, origins):
    monkeypatch.setenv("DAYBOOK_ALLOWED_ORIGINS", origins)
    with pytest.raises(SettingsError, match="DAYBOOK_ALLOWED_ORIGINS: name origins"):
        load_settings()
