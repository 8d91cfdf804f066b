"""What people arrange on the history page: columns of a model, and saved views."""

import pytest

from app.services import columns, views
from app.services.errors import InvalidQueryError
from tests.support.history import record_some


@pytest.fixture
def book(app, client, cast):
    with app.app_context():
        record_some(client, cast)


def views_of(app, member):
    with app.app_context():
        return [
            (view.id, view.name, view.query, view.shared) for view in views.views_for(member.caller)
        ]


def heads(page):
    return page.text.split("Answer", 1)[1].split("Status", 1)[0].split()


def test_the_list_has_the_fields_of_the_model_it_is_about(get, book):
    page = get("owner", "/predictions", q="model:churn")
    assert heads(page) == ["Age", "Visits", "Country"]
    assert "61.5" in page.text


def test_chosen_columns_are_kept_for_the_person_and_in_their_order(get, post, book):
    answer = post(
        "owner",
        "/predictions/columns",
        model="churn",
        columns="country, probability.yes AGE country",
        q="model:churn",
    )
    assert (answer.status_code, answer.location) == (303, "/predictions?q=model:churn")
    assert heads(get("owner", "/predictions", q="model:churn"))[0] == "Country"
    assert "probability of yes" in get("owner", "/predictions", q="model:churn").text
    assert heads(get("colleague", "/predictions", q="model:churn"))[0] == "Age"
    assert (
        post(
            "owner", "/predictions/columns", model="churn", columns="", q="model:churn"
        ).status_code
        == 303
    )
    assert heads(get("owner", "/predictions", q="model:churn")) == []


@pytest.mark.parametrize(
    ("model", "names", "fault"),
    [
        ("churn", "agee", "Did you mean age?"),
        ("churn", "status", "There is no field status."),
        ("nothing", "age", "no such model"),
    ],
)
def test_columns_that_there_are_not_are_refused(cast, context, model, names, fault):
    with pytest.raises(InvalidQueryError, match=fault):
        columns.choose_columns(cast["owner"].caller, model, names)


def test_a_wrong_column_is_named_beside_what_was_written(post, book):
    answer = post(
        "owner", "/predictions/columns", model="churn", columns="agee visits", q="model:churn"
    )
    assert answer.status_code == 400
    assert "There is no field agee. Did you mean age?" in answer.text
    assert 'value="agee visits"' in answer.text


def test_a_view_is_kept_used_changed_and_deleted(app, get, post, cast):
    sent = {"name": "  My   view ", "q": "status:refused"}
    assert post("owner", "/predictions/views", **sent).location == "/predictions?q=status:refused"
    ((identifier, *view),) = views_of(app, cast["owner"])
    assert view == ["My view", "status:refused", False]
    assert "My view" in get("owner", "/predictions").text
    post("owner", "/predictions/views", name="My view", q="age:>60", shared="on")
    assert views_of(app, cast["owner"]) == [(identifier, "My view", "age:>60", True)]
    assert post("owner", f"/predictions/views/{identifier}/delete").status_code == 303
    assert views_of(app, cast["owner"]) == []


def test_others_use_what_is_shared_and_change_nothing_of_it(app, post, cast):
    for name, shared in (("mine", ""), ("everybody's", "on")):
        post(
            "owner",
            "/predictions/views",
            name=name,
            q="status:refused",
            **({"shared": shared} if shared else {}),
        )
    for who in ("colleague", "stranger", "auditor", "admin"):
        ((identifier, name, *_),) = views_of(app, cast[who])
        assert name == "everybody's"
        assert post(who, f"/predictions/views/{identifier}/delete").status_code == 404
    assert len(views_of(app, cast["owner"])) == 2


@pytest.mark.parametrize(
    ("name", "query"), [("", "status:refused"), ("x" * 81, ""), ("x", "agee:1"), ("x", "(")]
)
def test_what_cannot_be_kept_is_refused(cast, context, name, query):
    with pytest.raises(InvalidQueryError):
        views.save_view(cast["owner"].caller, name, query, shared=False)


def test_a_name_that_cannot_be_kept_is_refused_beside_it(post, book):
    answer = post("owner", "/predictions/views", name=" ", q="status:refused")
    assert answer.status_code == 400
    assert "Give the view a name of 1 to 80 characters." in answer.text


def test_nobody_keeps_views_without_end(cast, context, monkeypatch):
    monkeypatch.setattr(views, "_MOST", 2)
    for name in "ab":
        views.save_view(cast["owner"].caller, name, "", shared=False)
    with pytest.raises(InvalidQueryError, match="delete one first"):
        views.save_view(cast["owner"].caller, "c", "", shared=False)


def test_a_view_is_overwritten_however_many_there_are(cast, context, monkeypatch):
    monkeypatch.setattr(views, "_MOST", 2)
    for query in ("", "status:refused"):
        for name in "ab":
            views.save_view(cast["owner"].caller, name, query, shared=False)
    assert {view.query for view in views.views_for(cast["owner"].caller)} == {"status:refused"}


def test_a_model_that_there_is_not_is_named_beside_the_columns(post, book):
    for model in ("nothing", "\0"):
        answer = post("owner", "/predictions/columns", model=model, columns="age", q="model:churn")
        assert answer.status_code == 400
        assert "There is no such model that you may use." in answer.text
