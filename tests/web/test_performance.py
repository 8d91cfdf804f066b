"""How well a model did, for those who may see its records."""

from datetime import UTC, datetime, timedelta

import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression, LogisticRegression
from sqlalchemy import select

from app import identifiers
from app.extensions import db
from app.models import Model, Prediction
from app.services import performance, reporting
from app.services.errors import InvalidQueryError
from app.services.performance import performance_of
from app.services.reporting import Report
from tests.support.asking import ask
from tests.support.cast import customers, register, write_model
from tests.support.past import Past

URL = "/models/churn/performance"


def report(ids, values, caller):
    reports = [Report(id=str(one), value=value) for one, value in zip(ids, values, strict=False)]
    results = reporting.report_outcomes(caller, reports)
    assert {result.fate for result in results} == {"recorded"}


@pytest.fixture
def judged(context, cast):
    """Twelve answers, of which ten have an outcome: in eight the model was right."""
    ids = ask(context, cast["owner"], rows=12)
    answers = [db.session.get(Prediction, one).output["prediction"] for one in ids]
    wrong = {"yes": "no", "no": "yes"}
    truths = [*answers[:8], *(wrong[one] for one in answers[8:10])]
    report(ids, truths, cast["owner"].caller)
    return ids


def model_named(name):
    return db.session.scalar(select(Model).where(Model.name == name))


def of_churn(cast, query="", by="", who="owner"):
    return performance_of(cast[who].caller, model_named("churn"), query, by)


def test_metrics_are_of_the_answers_with_an_outcome(judged, cast):
    found = of_churn(cast)
    assert (found.whole.count, found.whole.labelled, found.more) == (12, 10, False)
    assert found.whole.metrics["accuracy"].value == 0.8
    assert 0 < found.whole.metrics["brier_score"].value < 1
    told = next(one for one in found.by_class if one.name == found.positive == "yes")
    assert found.versions[0].metrics["precision"] == told.precision
    assert found.weeks[0].metrics["recall"] == told.recall
    assert found.weeks[0].metrics["roc_auc"] == told.roc_auc
    assert sum(map(sum, found.confusion)) == 10
    assert found.confusion[0][0] + found.confusion[1][1] == 8
    assert sum(one.support for one in found.by_class) == 10
    assert sum(one.count for one in found.calibration) == 10
    assert [(one.label, one.count, one.labelled) for one in found.versions] == [("1", 12, 10)]


def test_a_query_selects_and_a_field_compares(judged, cast):
    some = of_churn(cast, "age:>25")
    assert 0 < some.whole.count < 12
    found = of_churn(cast, by="country")
    assert sum(one.count for one in found.slices) == 12
    assert [one.name for one in found.can_slice] == ["country"]
    for query, by, pointer in (("age:old", "", "/q"), ("", "age", "/by"), ("(", "", "/q")):
        with pytest.raises(InvalidQueryError) as refused:
            of_churn(cast, query, by)
        assert refused.value.errors[0].pointer == pointer


def test_the_queries_of_groups_find_as_many_records(judged, cast, get):
    found = of_churn(cast, by="country")
    for group in (found.whole, *found.versions, *found.weeks, *found.slices):
        page = get("owner", "/predictions", q=group.query)
        assert len(page.all("input", name="id")) == group.count, group.query


def test_the_newest_are_looked_at_where_there_are_many(judged, cast, monkeypatch):
    monkeypatch.setattr(performance, "MOST", 5)
    found = of_churn(cast)
    assert (found.whole.count, found.whole.labelled, found.more) == (5, 3, True)


def test_weeks_are_shown_one_after_another(judged, cast, get, monkeypatch, context):
    monkeypatch.setattr(identifiers, "time", Past(datetime.now(UTC) - timedelta(days=14)))
    monkeypatch.setattr(identifiers, "_last", 0)
    earlier = ask(context, cast["owner"], rows=3)
    monkeypatch.undo()
    report(earlier, ["yes"], cast["owner"].caller)
    found = of_churn(cast)
    assert [(week.count, week.labelled) for week in found.weeks] == [(3, 1), (12, 10)]
    assert "Accuracy by week; the same numbers" in str(get("owner", URL).all("svg", role="img"))


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 200), ("colleague", 200), ("stranger", 404), ("auditor", 200), ("admin", 200)],
)
def test_who_may_see_it(get, judged, who, status):
    get(who, URL, expect=status)


def test_the_page_tells_what_to_do_next(get, app, cast):
    assert "has answered nothing yet" in get("owner", URL).text
    with app.app_context():
        ids = ask(app, cast["owner"], rows=2)
    assert "no outcome is known yet" in get("owner", URL).text
    assert "No answer fits" in get("owner", URL, q="age:>300").text
    with app.app_context():
        report(ids, ["yes"], cast["owner"].caller)
    page = get("owner", URL)
    assert "Calibration" in page.text
    assert page.all("svg", role="img")
    assert (
        get("owner", URL, expect=400, q="age:old").all("input", name="q")[0]["aria-invalid"]
        == "true"
    )
    assert "Choose a field" in get("owner", URL, expect=400, by="age").text


def register_other(tmp_path, name, estimator, target):
    data = customers().drop(columns=["country", "left"])
    path = write_model(tmp_path, estimator.fit(data[["age"]], data["visits"]), data, name)
    register(path, name, target=target)


def ask_other(client, cast, name):
    body = {"inputs": [{"age": float(age)} for age in range(20, 40)]}
    answer = client.post(
        f"/api/v1/models/{name}/predictions", json=body, headers=cast["owner"].bearer
    )
    return [(one["id"], one["output"]["prediction"]) for one in answer.get_json()["predictions"]]


def test_numbers_have_errors_and_residuals(context, client, cast, tmp_path, get):
    register_other(tmp_path, "spend", LinearRegression(), "visits")
    asked = ask_other(client, cast, "spend")
    report([one for one, _ in asked], [answer - 2 for _, answer in asked], cast["owner"].caller)
    found = performance_of(cast["owner"].caller, model_named("spend"), "")
    assert {name: round(one.value, 9) for name, one in found.whole.metrics.items()} == {
        "mae": 2, "rmse": 2, "bias": 2
    }  # fmt: skip
    assert len(found.residuals) == 20
    assert "Residuals" in get("owner", "/models/spend/performance").text


def test_each_version_is_measured_by_its_own_classes(context, client, cast, tmp_path):
    data = customers().drop(columns=["country"])
    for number, kind in enumerate((bool, int), start=1):
        data["left"] = (customers()["left"] == "yes").astype(kind)
        path = write_model(
            tmp_path,
            LogisticRegression().fit(data[["age"]], data["left"]),
            data.drop(columns="visits"),
            "kinds",
        )
        assert register(path, "kinds") == number
        asked = ask_other(client, cast, f"kinds/versions/{number}")
        truths = [not answer if kind is bool else answer for _, answer in asked]
        report([one for one, _ in asked], truths, cast["owner"].caller)
    found = performance_of(cast["owner"].caller, model_named("kinds"), "")
    wrong, right = (group.metrics for group in found.versions)
    assert (wrong["accuracy"].value, right["accuracy"].value) == (0, 1)
    assert 0.25 < wrong["brier_score"].value < 1 > right["brier_score"].value > 0
    assert set(found.classes) == {"false", "true", "0", "1"}


def test_of_very_many_labels_the_most_frequent_are_shown(context, client, cast, tmp_path, get):
    register_other(tmp_path, "groups", KMeans(3, n_init=1, random_state=0), None)
    asked = ask_other(client, cast, "groups") + ask_other(client, cast, "groups")
    report([one for one, _ in asked], [f"label {n}" for n in range(40)], cast["owner"].caller)
    found = performance_of(cast["owner"].caller, model_named("groups"), "")
    assert len(found.classes) == len(found.confusion) == 30
    assert found.whole.metrics["accuracy"].value == 0
    assert "Of the 30 most frequent classes." in get("owner", "/models/groups/performance").text


def test_the_query_stays_in_the_queries_of_groups(judged, cast, get):
    found = of_churn(cast, f"at:{datetime.now(UTC):%Y-%m-%d} age:>22 OR country:FR", by="country")
    for group in (*found.weeks, *found.versions, *found.slices):
        page = get("owner", "/predictions", q=group.query)
        assert len(page.all("input", name="id")) == group.count, group.query


@pytest.mark.parametrize("name", ["a%00", "nothing"])
def test_of_a_model_that_there_is_not_there_is_no_page(get, name):
    get("owner", f"/models/{name}/performance", expect=404)


def test_labels_without_known_classes_are_compared_too(context, client, cast, tmp_path, get):
    register_other(tmp_path, "groups", KMeans(3, n_init=1, random_state=0), None)
    asked = ask_other(client, cast, "groups")
    report([one for one, _ in asked], [asked[0][1]] * 20, cast["owner"].caller)
    found = performance_of(cast["owner"].caller, model_named("groups"), "")
    expected = sum(answer == asked[0][1] for _, answer in asked) / 20
    assert found.whole.metrics["accuracy"].value == expected
    assert "Confusion" in get("owner", "/models/groups/performance").text
