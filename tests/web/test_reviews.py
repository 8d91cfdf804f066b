"""Reviews on pages: of a record, and in the focus mode of a queue."""

import re

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Review, ReviewQueue
from tests.support.asking import ask
from tests.web.conftest import parsed


@pytest.fixture
def asked(app, cast):
    with app.app_context():
        return ask(app, cast["owner"], rows=3)


@pytest.fixture
def queue(app, post, asked, cast):
    """Returns a function that makes a queue of two people, and returns its address."""

    def make(**more):
        given = {
            "name": "Doubtful", "model": "churn", "q": "", "size": "10", "rule": "least_confident", "people": "2",
            "assigned": [cast["owner"].email, cast["colleague"].email],
        }  # fmt: skip
        answer = post("owner", "/reviews", **(given | more))
        assert answer.status_code == 303, answer.text
        return answer.location

    return make


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 303), ("colleague", 303), ("stranger", 404), ("auditor", 403), ("admin", 303)],
)
def test_who_may_review_a_record(post, asked, who, status):
    assert post(who, f"/predictions/{asked[0]}/reviews", verdict="agree").status_code == status


def test_a_record_shows_its_reviews(get, post, asked):
    post("colleague", f"/predictions/{asked[0]}/reviews", verdict="unsure", note="Ask the branch.")
    for who in ("owner", "auditor"):
        text = get(who, f"/predictions/{asked[0]}").text
        assert "Ask the branch." in text
        assert "colleague@example.com" in text
    assert get("owner", f"/predictions/{asked[0]}/reviews").all("input", name="verdict")


def test_what_does_not_fit_is_shown_again_beside_its_error(post, asked):
    fields = {"verdict": "agree", "correction": "yes", "note": "Kept."}
    answer = post("owner", f"/predictions/{asked[0]}/reviews", **fields)
    page = parsed(answer)
    assert answer.status_code == 422
    assert "Only who disagrees corrects the answer." in page.text
    assert "Kept." in page.text
    assert [one["value"] for one in page.all("input", name="verdict") if "checked" in one] == [
        "agree"
    ]
    assert "Choose one of: agree" in post("owner", f"/predictions/{asked[0]}/reviews").text


@pytest.mark.parametrize(
    ("who", "list_", "page"),
    [("owner", 200, 200), ("colleague", 200, 200), ("stranger", 200, 404), ("auditor", 200, 200), ("admin", 200, 200)],
)  # fmt: skip
def test_who_sees_a_queue(get, queue, who, list_, page):
    address = queue()
    assert ("Doubtful" in get(who, "/reviews", expect=list_).text) is (page == 200)
    get(who, address, expect=page)


def test_who_works_in_a_queue(browser_of, queue):
    address = queue()
    for who, status in (("owner", 303), ("stranger", 404), ("auditor", 403)):
        assert browser_of(who).get(f"{address}/next").status_code == status
    assert browser_of("admin").get(f"{address}/next").location == address, "not assigned"


def test_a_queue_is_worked_off_item_by_item(get, post, browser_of, queue, app):
    address = queue()
    for who in ("owner", "colleague"):
        item = browser_of(who).get(f"{address}/next").location
        for number in range(3):
            page = get(who, item)
            assert "Said so far" not in page.text, "the second one is blind"
            assert f"{3 - number} left for you" in page.text
            place = page.all("input", name="place")[0]["value"]
            verdict = "unsure" if who == "colleague" and number == 0 else "agree"
            answer = post(who, item, verdict=verdict, place=place)
            item = browser_of(who).get(answer.location).location
        assert item == address or "/items/" in item
    page = get("owner", address)
    assert "Agreed 2 of 3 read by two" in page.text
    assert "To decide 1" in page.text
    item = browser_of("owner").get(f"{address}/next").location
    deciding = get("owner", item)
    assert "Decide between two reviews" in deciding.text
    assert "Said so far" in deciding.text
    assert post("owner", item, verdict="agree").status_code == 303
    assert "Done 3 of 3" in get("owner", address).text
    with app.app_context():
        assert [one.adjudicates for one in db.session.scalars(select(Review).order_by(Review.id))][
            -1
        ]


def test_a_verdict_is_needed_and_the_item_stays(get, post, browser_of, queue):
    item = browser_of("owner").get(f"{queue()}/next").location
    answer = post("owner", item, note="Kept.")
    assert (answer.status_code, "Kept." in answer.text) == (422, True)


def test_what_is_done_meanwhile_is_told(browser_of, post, queue):
    address = queue(people="1")
    item = browser_of("owner").get(f"{address}/next").location
    assert post("colleague", item, verdict="agree").status_code == 303
    client = browser_of("owner")
    data = {"csrf_token": _token(client.get(item)), "verdict": "agree"}
    assert client.post(item, data=data).status_code == 303
    assert "This item is done" in client.get(address).text


def _token(answer):
    return re.search(r'name="csrf_token" value="([^"]+)"', answer.text)[1]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("size", "many", "Take 1 to 1,000"), ("q", "age:old", "age"), ("name", "", "Give the queue a name"), ("people", "9", "One or two")],
)  # fmt: skip
def test_a_queue_that_does_not_fit_is_shown_again(post, asked, cast, field, value, words):
    given = {
        "name": "Kept", "model": "churn", "q": "", "size": "10", "rule": "random", "people": "1", "assigned": cast["owner"].email,
    }  # fmt: skip
    answer = post("owner", "/reviews", **(given | {field: value}))
    page = parsed(answer)
    assert answer.status_code == 400
    assert words in page.text
    assert field == "name" or page.all("input", name="name")[0]["value"] == "Kept"


def test_somebody_else_is_assigned_on_the_page(get, post, queue):
    address = queue()
    assert post("owner", f"{address}/people", address="admin@example.com").status_code == 303
    page = get("owner", address)
    assert "admin@example.com" in page.text
    assert not page.all("select", name="address"), "everybody is"
    assert post("owner", f"{address}/people", address="nobody@example.com").status_code == 400


def test_a_queue_page_takes_few_statements(get, queue, statements):
    address = queue()
    get("colleague", address)
    statements.clear()
    get("colleague", address)
    assert len(statements) <= 12, "\n".join(statements)


@pytest.mark.parametrize(
    ("field", "value"), [("model", "a\x00"), ("threshold", "nan"), ("rule", "x"), ("name", "\x00")]
)
def test_odd_fields_of_a_queue_are_no_fault_of_the_service(post, asked, cast, field, value):
    given = {
        "name": "Kept", "model": "churn", "size": "10", "rule": "nearest", "field": "age", "threshold": "3", "people": "1",
        "assigned": cast["owner"].email,
    }  # fmt: skip
    assert post("owner", "/reviews", **(given | {field: value})).status_code in (400, 404)


def test_a_queue_is_closed_by_who_made_it(app, post, queue):
    address = queue()
    assert post("colleague", f"{address}/close").status_code == 404
    assert post("owner", f"{address}/close").status_code == 303
    with app.app_context():
        assert db.session.scalar(select(ReviewQueue)).closed_at is not None


def test_the_form_of_a_queue_names_those_who_may_review(get, asked):
    page = get("owner", "/reviews/new")
    assert [one["value"] for one in page.all("input", name="assigned")] == [
        "admin@example.com", "colleague@example.com", "owner@example.com"
    ]  # fmt: skip
    assert "no model that you may use" in get("stranger", "/reviews/new").text
    get("auditor", "/reviews/new", expect=403)
