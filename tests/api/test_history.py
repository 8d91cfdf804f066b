"""Reading the history by API."""

import pytest

from tests.support.cast import GOOD_ROW

MODELS = "/api/v1/models/churn/predictions"
HISTORY = "/api/v1/predictions"


@pytest.fixture
def asked(client, cast):
    """Five records of the owner: four accepted, one refused."""
    ages = [20.0, 30.0, 40.0, 50.0]
    for age in ages:
        client.post(
            MODELS, json={"inputs": [GOOD_ROW | {"age": age}]}, headers=cast["owner"].bearer
        )
    client.post(MODELS, json={"inputs": [{}]}, headers=cast["owner"].bearer)


def read(client, member, **query):
    answer = client.get(HISTORY, query_string=query, headers=member.bearer)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_history_is_newest_first_and_paged_by_cursor(client, cast, asked):
    whole = read(client, cast["owner"])["data"]
    assert [r["status"] for r in whole] == ["refused"] + ["accepted"] * 4
    seen, cursor = [], None
    while True:
        page = read(client, cast["owner"], limit=2, **({"cursor": cursor} if cursor else {}))
        assert len(page["data"]) <= 2
        seen += page["data"]
        if not (cursor := page["next"]):
            break
    assert seen == whole


def test_a_record_written_meanwhile_does_not_shift_the_pages(client, cast, asked):
    first = read(client, cast["owner"], limit=2)
    client.post(MODELS, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)
    second = read(client, cast["owner"], limit=2, cursor=first["next"])
    assert not {r["id"] for r in first["data"]} & {r["id"] for r in second["data"]}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("model:churn", 5),
        ("model:churn@1", 5),
        ("model:churn@2", 0),
        ("status:refused", 1),
        ("caller:OWNER@example.com", 5),
        ("caller:colleague@example.com", 0),
        ("at:>=2020-01-01", 5),
        ("at:<2020-01-01", 0),
        ('at:"2020-01-01T00:00+02:00"..2999-01-01', 5),
        ("age:>=30 -country:DE", 3),
    ],
)
def test_a_query_selects(client, cast, asked, query, count):
    assert len(read(client, cast["owner"], q=query)["data"]) == count


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"q": "status:fine"}, "/q"),
        ({"q": "at:yesterday"}, "/q"),
        ({"q": "(age:5"}, "/q"),
        ({"cursor": "abc"}, "/cursor"),
        ({"status": "refused"}, "/status"),
        ({"limit": "0"}, "/limit"),
        ({"limit": "501"}, "/limit"),
    ],
)
def test_what_is_not_understood_is_named(client, cast, query, pointer):
    answer = client.get(HISTORY, query_string=query, headers=cast["owner"].bearer)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_a_fault_of_a_query_says_what_and_where(client, cast):
    answer = client.get(
        HISTORY, query_string={"q": "age:>5 model:chrun"}, headers=cast["owner"].bearer
    )
    (error,) = answer.get_json()["errors"]
    assert error == {
        "pointer": "/q", "message": "model is never chrun. Did you mean churn?", "start": 13, "end": 18
    }  # fmt: skip


def test_the_whole_record_is_shown(client, cast, asked):
    record = read(client, cast["owner"])["data"][1]
    alone = client.get(f"{HISTORY}/{record['id']}", headers=cast["owner"].bearer).get_json()
    assert alone == record
    assert alone["inputs"] == GOOD_ROW | {"age": 50}
    assert set(alone["commitments"]) == set(alone["salts"]) == {"inputs", "output"}
    assert len(alone["artifact_sha256"]) == 64


@pytest.mark.parametrize(
    ("who", "sees"),
    [("owner", True), ("colleague", True), ("stranger", False), ("auditor", True), ("admin", True)],
)
def test_only_those_granted_the_model_see_its_records(client, cast, asked, who, sees):
    identifier = read(client, cast["owner"])["data"][0]["id"]
    assert len(read(client, cast[who])["data"]) == (5 if sees else 0)
    answer = client.get(f"{HISTORY}/{identifier}", headers=cast[who].bearer)
    assert answer.status_code == (200 if sees else 404)


def test_a_record_of_another_looks_like_none(client, cast, asked):
    identifier = read(client, cast["owner"])["data"][0]["id"]
    hidden = client.get(f"{HISTORY}/{identifier}", headers=cast["stranger"].bearer).get_json()
    missing = client.get(
        f"{HISTORY}/01900000-0000-7000-8000-000000000000", headers=cast["stranger"].bearer
    ).get_json()
    for document in (hidden, missing):
        document.pop("request_id")
    assert hidden == missing
