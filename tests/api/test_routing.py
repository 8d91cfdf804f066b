"""Known routes change nothing but the time that they take."""

import pytest

from tests.support.cast import GOOD_ROW

URL = "/api/v1/models/{}/predictions"


def ask(client, cast, name="churn", **more):
    headers = cast["owner"].bearer
    return client.post(URL.format(name), json={"inputs": [GOOD_ROW]}, headers=headers, **more)


def test_each_address_keeps_its_own_values(client, cast):
    for _ in range(2):
        assert ask(client, cast).get_json()["model"]["name"] == "churn"
        assert ask(client, cast, "other").status_code == 404
        assert ask(client, cast, query_string="a=b").status_code == 201


def test_a_known_address_is_refused_under_another_host(app, client, cast, monkeypatch):
    monkeypatch.setitem(app.config, "TRUSTED_HOSTS", ["daybook.example.com"])
    for _ in range(2):
        assert ask(client, cast, base_url="http://daybook.example.com").status_code == 201
        assert ask(client, cast, base_url="http://elsewhere.example.com").status_code == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_still_405(client, cast, method):
    assert ask(client, cast).status_code == 201
    answer = client.open(URL.format("churn"), method=method, headers=cast["owner"].bearer)
    assert answer.status_code == 405


def test_what_is_remembered_is_bounded(app, client, cast, monkeypatch):
    monkeypatch.setattr("app.routing._MOST", 3)
    for number in range(8):
        assert ask(client, cast, f"made-up-{number}").status_code == 404
    assert len(app._routes._known) <= 3
