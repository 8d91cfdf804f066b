"""The history page and the page of a record."""

import pytest
from sqlalchemy import text

from app.services import history
from tests.support.cast import GOOD_ROW

MODELS = "/api/v1/models/churn/predictions"


@pytest.fixture
def asked(client, cast):
    """A request of three rows, a refused one, and 55 more."""
    return [
        client.post(MODELS, json={"inputs": rows}, headers=cast["owner"].bearer).get_json()
        for rows in ([GOOD_ROW] * 3, [{"age": "x"}], [GOOD_ROW] * 55)
    ]


def links(page, start):
    return [a["href"] for a in page.all("a") if a.get("href", "").startswith(start)]


def test_history_shows_records_newest_first_in_pages(get, asked):
    first = get("owner", "/predictions")
    identifiers = [p["id"] for p in asked[2]["predictions"]][::-1]
    assert links(first, "/predictions/01") == [f"/predictions/{i}" for i in identifiers[:50]]
    (older,) = [a["href"] for a in first.all("a", rel="next")]
    second = get("owner", "/predictions", cursor=older.partition("cursor=")[2])
    assert len(links(second, "/predictions/01")) == 9
    assert "This is the end of the list." in second.text
    assert links(second, "/predictions")[0] == "/predictions"


def test_the_query_is_in_the_address_and_in_its_field_and_is_said_in_a_sentence(get, asked):
    page = get("owner", "/predictions", q="status:refused caller:owner@example.com")
    assert len(links(page, "/predictions/01")) == 1
    assert page.all("input", name="q")[0]["value"] == "status:refused caller:owner@example.com"
    assert "Records where status is refused and caller is owner@example.com." in page.text


def test_a_query_that_takes_too_long_says_so_beside_it(get, asked, monkeypatch):
    monkeypatch.setattr(history, "PATIENCE_MS", 100)
    monkeypatch.setattr(history, "condition_of", lambda *_: text("pg_sleep(5) IS NULL"))
    page = get("owner", "/predictions", expect=400, q="age:>1")
    assert "This takes too long" in page.text
    assert page.all("input", name="q")[0]["value"] == "age:>1"


def test_the_next_page_is_of_the_same_query(get, asked):
    page = get("owner", "/predictions", q="age:>1")
    (older,) = [a["href"] for a in page.all("a", rel="next")]
    assert "q=age:%3E1" in older or "q=age%3A%3E1" in older


def test_a_query_without_records_offers_to_show_all(get, asked):
    page = get("owner", "/predictions", q="model:churn@77")
    assert "No record fits this query." in page.text


@pytest.mark.parametrize("query", ["version:x", "at:soon", "model:nothing", '<b>:"5', "age:"])
def test_a_query_with_a_fault_says_what_and_where(get, query):
    page = get("owner", "/predictions", expect=400, q=query)
    assert "nothing was searched" in page.text
    assert page.all("input", name="q")[0]["value"] == query
    assert [a for _, a in page.elements if a.get("aria-invalid") == "true"]
    assert page.all("mark")


@pytest.mark.parametrize("start", ["/", "/models/churn"])
def test_a_model_leads_to_its_history(get, asked, start):
    (link,) = links(get("owner", start), "/predictions?q=")
    assert "Records where model is churn." in get("owner", link).text


def test_before_the_first_query_there_are_examples_to_click(get, asked):
    page = get("owner", "/predictions")
    for link in links(page, "/predictions?q="):
        get("owner", link)


def test_an_empty_history_says_what_to_do(get):
    assert "Choose a model" in get("owner", "/predictions").text


@pytest.mark.parametrize(
    ("who", "count"),
    [("owner", 50), ("colleague", 50), ("stranger", 0), ("auditor", 50), ("admin", 50)],
)
def test_who_sees_the_records(get, asked, who, count):
    assert len(links(get(who, "/predictions"), "/predictions/01")) == count


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 200), ("colleague", 200), ("stranger", 404), ("auditor", 200), ("admin", 200)],
)
def test_who_sees_a_record(get, asked, who, status):
    get(who, f"/predictions/{asked[0]['predictions'][0]['id']}", expect=status)


def test_a_record_links_the_rows_of_its_request(get, asked):
    identifiers = [p["id"] for p in asked[0]["predictions"]]
    page = get("owner", f"/predictions/{identifiers[1]}")
    rows, before = (0, 2), (0,)  # The last one is among those that came before, too.
    reviewing = [f"/predictions/{identifiers[1]}/reviews"]
    assert links(page, "/predictions/01") == [
        *(f"/predictions/{identifiers[i]}" for i in rows),
        *reviewing,
        *(f"/predictions/{identifiers[i]}" for i in before),
    ]
    assert asked[0]["predictions"][1]["leaf_hash"] in page.text


def test_a_refused_record_shows_problem_and_what_was_sent(get, asked):
    page = get("owner", f"/predictions/{asked[1]['prediction_id']}")
    assert "The inputs do not fit" in page.text
    assert "/inputs/0/age" in page.text
    assert '"x"' in page.text


def test_a_record_that_does_not_exist_is_404(get):
    get("owner", "/predictions/01900000-0000-7000-8000-000000000000", expect=404)
    get("owner", "/predictions/nonsense", expect=404)


def test_an_auditor_is_not_offered_to_ask_again(get, asked):
    identifier = asked[0]["predictions"][0]["id"]
    assert "Again with these values" in get("owner", f"/predictions/{identifier}").text
    assert "Again with these values" not in get("auditor", f"/predictions/{identifier}").text


def test_the_overview_is_a_page_of_links_that_narrow_the_query(get, asked):
    page = get("owner", "/predictions/overview", q="model:churn")
    assert "59 records" in page.text
    followed = [a["href"] for a in page.all("a") if "country" in a.get("href", "")]
    assert followed == ["/predictions?q=model:churn+country:FR"]


def test_the_overview_of_what_is_no_query_shows_the_fault(get, asked):
    page = get("owner", "/predictions/overview", expect=400, q="agee:1")
    assert "There is no field agee." in page.text


def test_the_overview_of_nothing_says_so(get):
    assert "No record fits." in get("owner", "/predictions/overview").text
