"""Outcomes on pages: one by its form, many by a file."""

import io

import pytest

from tests.support.asking import ask
from tests.support.cast import csrf_token
from tests.web.conftest import parsed


@pytest.fixture
def asked(app, cast):
    with app.app_context():
        return ask(app, cast["owner"], rows=3, references=["A", "B", "C"])


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 303), ("colleague", 303), ("stranger", 404), ("auditor", 403), ("admin", 303)],
)
def test_who_may_report_an_outcome(post, asked, who, status):
    assert post(who, f"/predictions/{asked[0]}/outcome", outcome="yes").status_code == status


def test_a_record_shows_its_outcome_and_what_it_corrected(get, post, asked):
    assert "What turned out to be true" in get("owner", f"/predictions/{asked[0]}").text
    for value in ("yes", "no"):
        assert (
            post("colleague", f"/predictions/{asked[0]}/outcome", outcome=value).status_code == 303
        )
    page = get("owner", f"/predictions/{asked[0]}")
    assert "Correct it" in page.text
    assert len(page.all("s")) == 1
    assert "colleague@example.com" in page.text
    assert not get("auditor", f"/predictions/{asked[0]}").all("select", name="outcome")


def test_a_value_that_does_not_fit_is_shown_again_beside_its_error(post, get, asked):
    answer = post("owner", f"/predictions/{asked[0]}/outcome", outcome="perhaps")
    page = parsed(answer)
    assert answer.status_code == 422
    assert "Give one of: no, yes." in page.text
    assert page.all("select", name="outcome")[0]["aria-invalid"] == "true"
    assert get("owner", f"/predictions/{asked[0]}/outcome").all("select", name="outcome")


def test_a_file_has_a_report_of_every_line(browser_of, asked):
    table = f"reference,id,outcome\nA,,yes\n,{asked[1]},maybe\nnone,,no\nC,,\n"
    data = {"csrf_token": csrf_token(), "file": (io.BytesIO(table.encode()), "o.csv")}
    page = parsed(browser_of("owner").post("/outcomes", data=data))
    assert "1 recorded, 0 known already, 2 refused." in page.text
    assert "Give one of: no, yes." in page.text
    assert "There is no such prediction that you may see." in page.text


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"id\n1\n"])
def test_a_file_that_is_none_is_refused_beside_its_field(browser_of, content):
    data = {"csrf_token": csrf_token()}
    if content is not None:
        data["file"] = (io.BytesIO(content), "o.csv")
    answer = browser_of("owner").post("/outcomes", data=data)
    assert answer.status_code == 422
    assert parsed(answer).all("input", name="file")[0]["aria-invalid"] == "true"


def test_outcomes_are_a_column_a_facet_and_a_field(get, post, asked):
    for identifier, value in zip(asked, ("yes", "no", "no"), strict=True):
        post("owner", f"/predictions/{identifier}/outcome", outcome=value)
    assert len(get("owner", "/predictions", q="outcome:no").all("input", name="id")) == 2
    assert "outcome" in [cell.lower() for cell in get("owner", "/predictions/overview").words]
    chosen = post(
        "owner", "/predictions/columns", model="churn", columns="age outcome", q="model:churn"
    )
    assert chosen.status_code == 303
    assert "yes" in get("owner", "/predictions", q="model:churn").text.split("Latency")[1]


def test_the_list_shows_outcomes_and_verdicts_where_there_are_some(get, post, asked):
    def heading(page):
        return page.text.split("By Latency")[0].rsplit("Answer", 1)[-1].split()

    assert "Outcome" not in heading(get("owner", "/predictions"))
    post("owner", f"/predictions/{asked[0]}/outcome", outcome="yes")
    post("owner", f"/predictions/{asked[0]}/reviews", verdict="disagree")
    page = get("owner", "/predictions")
    assert {"Outcome", "Review"} <= set(heading(page))
    assert "disagree" in page.text
