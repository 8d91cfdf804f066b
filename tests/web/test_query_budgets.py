"""How many statements the busiest pages and calls may send, however much they show."""

import pytest

from tests.support.cast import GOOD_ROW

MODELS = "/api/v1/models/churn/predictions"


@pytest.fixture
def fifty_records(client, cast):
    client.post(MODELS, json={"inputs": [GOOD_ROW] * 50}, headers=cast["owner"].bearer)


@pytest.mark.parametrize(
    ("path", "budget"),
    [("/predictions", 11), ("/", 7), ("/models/churn/predict", 4), ("/account", 3)],
)
def test_pages(browser_of, fifty_records, statements, path, budget):
    client = browser_of("owner")
    statements.clear()
    assert client.get(path).status_code == 200
    assert len(statements) <= budget, "\n".join(statements)


def test_a_page_of_the_api_reads_its_records_at_once(client, cast, fifty_records, statements):
    client.get("/api/v1/predictions", headers=cast["owner"].bearer)
    statements.clear()
    answer = client.get("/api/v1/predictions", headers=cast["owner"].bearer)
    assert len(answer.get_json()["data"]) == 50
    assert len(statements) <= 4, "\n".join(statements)


def test_an_answer_reads_the_token_and_nothing_else(client, cast, fifty_records, statements):
    """The insert goes through the recorder's own cursor, which is not counted here."""
    statements.clear()
    answer = client.post(MODELS, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)
    assert answer.status_code == 201
    assert len(statements) <= 1, "\n".join(statements)
