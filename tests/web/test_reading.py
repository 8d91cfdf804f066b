"""Reading: a record with its surroundings, two side by side, and who has read it."""

import pytest
from sklearn.linear_model import LogisticRegression
from sqlalchemy import func, select

from app.extensions import db
from app.models import Event, EventKind
from app.presentation import place_in
from tests.support.cast import GOOD_ROW, customers, register, write_model

MODELS = "/api/v1/models/churn/predictions"


@pytest.fixture
def asked(client, cast):
    """Identifiers of three records of the owner's."""
    rows = [GOOD_ROW, GOOD_ROW | {"age": 61.5}, GOOD_ROW]
    answer = client.post(MODELS, json={"inputs": rows}, headers=cast["owner"].bearer)
    return [row["id"] for row in answer.get_json()["predictions"]]


def readings(app, identifier):
    with app.app_context():
        query = select(func.count()).where(
            Event.kind == EventKind.RECORD_READ, Event.subject_id == identifier
        )
        return db.session.scalar(query)


def test_a_record_shows_where_its_values_lie_and_what_came_before(get, asked):
    page = get("owner", f"/predictions/{asked[2]}")
    assert [
        words
        for a in page.all("svg", role="img")
        if "the range of the examples" in (words := a["aria-label"])
    ]
    compared = [a["href"] for a in page.all("a") if "/predictions/compare" in a.get("href", "")]
    assert compared == [
        f"/predictions/compare?id={asked[2]}&id={other}" for other in (asked[1], asked[0])
    ]


@pytest.mark.parametrize(
    ("given", "observed", "place"),
    [
        (5, (0, 10), (50.0, False)), (0, (0, 10), (8.0, False)), (10, (0, 10), (92.0, False)), (-100, (0, 10), (3.0, True)),
        (1e308, (-1e308, 0.0), (97.0, True)), (3, (3, 3), (50.0, False)), (4, (3, 3), (92.0, True)),
    ],
)  # fmt: skip
def test_a_number_has_its_place_in_the_range_of_the_examples(given, observed, place):
    found = place_in(given, observed)
    assert (found["x"], found["outside"]) == place


@pytest.mark.parametrize(
    ("given", "observed"), [(None, (0, 1)), ("a", (0, 1)), (True, (0, 1)), (1, None)]
)
def test_what_is_no_number_has_no_place(given, observed):
    assert place_in(given, observed) is None


def test_two_records_are_compared_field_by_field(get, asked):
    page = get("owner", f"/predictions/compare?id={asked[0]}&id={asked[1]}")
    assert page.text.count("different") == len(page.all("tr", **{"class": "differs"}))
    assert "Age" in page.text
    assert "61.5" in page.text
    same = get("owner", f"/predictions/compare?id={asked[0]}&id={asked[2]}")
    assert len(same.all("tr", **{"class": "differs"})) == 0


@pytest.mark.parametrize("query", ["", "?id={0}", "?id=nonsense"])
def test_without_two_records_the_page_says_how_to_choose_them(get, asked, query):
    assert "Choose two records" in get("owner", "/predictions/compare" + query.format(*asked)).text


def test_nobody_compares_what_they_do_not_see(get, asked):
    get("stranger", f"/predictions/compare?id={asked[0]}&id={asked[1]}", expect=404)


def test_who_reads_what_another_asked_is_in_the_book_and_auditors_see_it(
    app, client, cast, get, asked
):
    own = get("owner", f"/predictions/{asked[0]}")
    assert "Read by" not in own.text
    assert readings(app, asked[0]) == 0
    get("colleague", f"/predictions/{asked[0]}")
    client.get(f"/api/v1/predictions/{asked[0]}", headers=cast["colleague"].bearer)
    get("colleague", f"/predictions/compare?id={asked[0]}&id={asked[1]}")
    get("stranger", f"/predictions/{asked[0]}", expect=404)
    assert (readings(app, asked[0]), readings(app, asked[1])) == (3, 1)
    page = get("auditor", f"/predictions/{asked[0]}")
    assert page.text.count("colleague@example.com") == 3
    assert "auditor@example.com" in page.text.split("Read by")[1]
    assert "Nobody but who asked." not in page.text


def test_the_fields_of_a_query_are_listed_with_what_they_may_be(browser_of):
    fields = {
        one["name"]: one
        for one in browser_of("owner").get("/predictions/fields").get_json()["data"]
    }
    assert fields["country"]["values"] == ["DE", "FR", "PL"]
    assert fields["age"] == {"name": "age", "note": "number", "values": []}
    assert "model" in fields
    hidden = browser_of("stranger").get("/predictions/fields").get_json()["data"]
    assert "age" not in {one["name"] for one in hidden}


def test_lists_that_show_inputs_of_others_leave_an_event(app, client, cast, asked, get):
    def listed():
        with app.app_context():
            return [
                event.details
                for event in db.session.scalars(
                    select(Event).where(Event.kind == EventKind.RECORDS_LISTED)
                )
            ]

    client.get("/api/v1/predictions", headers=cast["owner"].bearer)
    get("owner", "/predictions", q="model:churn")
    assert listed() == []
    client.get("/api/v1/predictions", headers=cast["colleague"].bearer)
    assert listed() == [{"first": asked[2], "last": asked[0], "count": 3}]
    get("colleague", "/predictions", q="model:churn")
    assert len(listed()) == 2


def test_to_use_the_values_of_another_ones_record_is_to_read_it(app, get, asked):
    get("colleague", f"/models/churn/predict?from={asked[0]}")
    assert readings(app, asked[0]) == 1


def test_two_records_with_an_input_called_time_are_compared(app, client, cast, get, tmp_path):
    data = customers().rename(columns={"age": "time"})
    estimator = LogisticRegression().fit(data[["time", "visits"]], data["left"])
    with app.app_context():
        register(write_model(tmp_path, estimator, data.drop(columns="country"), "timed"), "timed")
    rows = {"inputs": [{"time": 1.5, "visits": 2}, {"time": 2.5, "visits": 2}]}
    answer = client.post(
        "/api/v1/models/timed/predictions", json=rows, headers=cast["owner"].bearer
    )
    one, other = (row["id"] for row in answer.get_json()["predictions"])
    assert "2.5" in get("owner", f"/predictions/compare?id={one}&id={other}").text
