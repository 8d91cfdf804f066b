"""Overviews: each count is how many records the query behind it finds."""

import pytest
from sqlalchemy import text

from app.services import history, overview, search
from app.services.errors import InvalidQueryError
from tests.support.cast import churn_estimator, customers, register, write_model
from tests.support.history import record_some

QUERIES = [
    "",
    "model:churn",
    "model:churn age:>60",
    "country:FR status:accepted",
    "age:>60 OR country:FR",
    "status:refused",
    "FR",
]


@pytest.fixture
def book(context, client, cast):
    return record_some(client, cast)


def found(caller, query):
    page = history.find_predictions(caller, search.read_query(caller, query), limit=500)
    return len(page.records)


def parts(seen):
    return [part for facet in [seen.times, *seen.facets] for part in [*facet.values, *facet.bars]]


@pytest.mark.parametrize("query", QUERIES)
def test_each_part_has_as_many_records_as_its_query_finds(cast, book, query):
    caller = cast["admin"].caller
    seen = overview.overview(caller, query)
    assert (seen.count, seen.more) == (found(caller, query), False)
    for part in parts(seen):
        if part.count and not part.chosen:
            together = (
                part.query
                if query.split(":")[0] in part.query
                else f"({query}) {part.query}"
                if query
                else part.query
            )
            assert found(caller, together) >= part.count
    for facet in seen.facets:
        if facet.without == query:
            assert [found(caller, part.query) for part in facet.values] == [
                part.count for part in facet.values
            ]
            assert [found(caller, bar.query) for bar in facet.bars] == [
                bar.count for bar in facet.bars
            ]
            in_all = (
                sum(part.count for part in [*facet.values, *facet.bars])
                + facet.others
                + facet.missing
            )
            assert in_all == seen.count
    assert [found(caller, bar.query) for bar in seen.times.bars] == [
        bar.count for bar in seen.times.bars
    ]


@pytest.mark.parametrize("who", ["owner", "colleague", "stranger", "auditor", "admin"])
def test_nobody_counts_what_they_do_not_see(cast, book, who):
    caller = cast[who].caller
    assert overview.overview(caller, "").count == found(caller, "")


def test_a_part_that_is_chosen_gives_way_by_another_click(cast, book):
    caller = cast["owner"].caller
    seen = overview.overview(caller, "model:churn country:FR")
    (country,) = [facet for facet in seen.facets if facet.field.name == "country"]
    assert [(part.label, part.chosen, part.query) for part in country.values] == [
        ("FR", True, "model:churn")
    ]
    (age,) = [facet for facet in seen.facets if facet.field.name == "age"]
    assert all(bar.query.startswith("model:churn country:FR age:>=") for bar in age.bars)
    chosen = overview.overview(caller, age.bars[0].query)
    (age,) = [facet for facet in chosen.facets if facet.field.name == "age"]
    assert age.without == "model:churn country:FR"


def test_the_fields_of_a_model_are_shown_only_where_all_records_are_of_it(
    context, client, cast, tmp_path
):
    data = customers()
    register(write_model(tmp_path, churn_estimator(data), data, "other"), "other")
    record_some(client, cast)
    row = {"age": 20.0, "visits": 1, "country": "DE"}
    asked = client.post(
        "/api/v1/models/other/predictions", json={"inputs": [row]}, headers=cast["owner"].bearer
    )
    assert asked.status_code == 201
    caller = cast["owner"].caller
    assert "age" not in {facet.field.name for facet in overview.overview(caller, "").facets}
    assert "age" in {facet.field.name for facet in overview.overview(caller, "model:other").facets}


def test_only_the_newest_are_counted_where_there_are_many(cast, book, monkeypatch):
    monkeypatch.setattr(overview, "MOST", 4)
    seen = overview.overview(cast["admin"].caller, "model:churn")
    assert (seen.count, seen.more) == (4, True)
    assert sum(bar.count for bar in seen.times.bars) == 4


def test_what_takes_too_long_has_no_overview_rather_than_a_wrong_one(cast, book, monkeypatch):
    monkeypatch.setattr(overview, "PATIENCE_MS", 100)
    monkeypatch.setattr(history, "condition_of", lambda *_: text("pg_sleep(5) IS NULL"))
    assert overview.overview(cast["owner"].caller, "age:>1") is None


def test_what_is_no_query_has_no_overview(cast, book):
    with pytest.raises(InvalidQueryError):
        overview.overview(cast["owner"].caller, "agee:1")


@pytest.mark.parametrize(
    "query",
    [" ".join(["age:>1"] * 100), "age:>1 " + "x" * 1_985, "(" * 20 + "age:>1 OR age:>2" + ")" * 20],
    ids=["as many terms as there may be", "as long as it may be", "as deep as it may be"],
)
def test_a_query_as_large_as_it_may_be_has_an_overview(cast, book, query):
    assert overview.overview(cast["owner"].caller, query) is not None


def test_a_part_that_is_chosen_and_taken_back_again_and_again_does_not_grow_the_query(cast, book):
    caller, query = cast["owner"].caller, "age:>1 OR visits:>1"
    seen = []
    for _ in range(6):
        (status,) = [
            facet
            for facet in overview.overview(caller, query).facets
            if facet.field.name == "status"
        ]
        query = status.values[0].query
        seen.append(query)
    assert len(set(seen)) == 2
