"""Models, forms, and the way from a form to its record."""

import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder
from sqlalchemy import select

from app.extensions import db
from app.models import Prediction
from app.services import model_access, registry
from tests.support.cast import register, write_model
from tests.web.conftest import parsed

GOOD = {"input.age": "44", "input.visits": "3", "input.country": "FR"}
FORM = "/models/churn/predict"


def records(app):
    with app.app_context():
        return list(db.session.scalars(select(Prediction).order_by(Prediction.id)))


def test_home_shows_the_models_with_what_to_do_next(get):
    page = get("owner", "/")
    assert "Churn" in page.text
    assert page.all("a", href=FORM)
    assert page.all("svg", role="img")[0]["aria-label"].startswith("Answers a day")


def test_home_counts_todays_answers(get, post):
    post("owner", FORM, **GOOD)
    assert "1 answer in 30 days" in get("owner", "/").text


@pytest.mark.parametrize(
    ("who", "words"),
    [("stranger", "Ask an administrator"), ("admin", "manage.py models register")],
)
def test_without_models_home_says_what_to_do(app, get, who, words, monkeypatch):
    monkeypatch.setattr(model_access, "visible_models", lambda _: [])
    assert words in get(who, "/").text


def test_an_auditor_sees_models_and_no_form(get):
    page = get("auditor", "/")
    assert "Churn" in page.text
    assert not page.all("a", href=FORM)
    get("auditor", FORM, expect=403)


def test_a_model_page_shows_versions_inputs_and_a_call(get):
    page = get("owner", "/models/churn")
    for words in ("accuracy", "active", "age", "one of 3: DE, FR, PL", "curl -X POST"):
        assert words in page.text


def test_the_form_has_one_labelled_field_for_each_input(get):
    page = get("owner", FORM)
    labels = {label["for"] for label in page.all("label")}
    named = [
        a for tag, a in page.elements
        if tag in ("input", "select") and a.get("name", "").startswith("input.")
    ]  # fmt: skip
    assert [a["name"] for a in named] == list(GOOD)
    assert {a["id"] for a in named} <= labels
    assert [a.get("inputmode") for a in named] == ["decimal", "numeric", None]
    assert len(page.all("option")) == 4
    assert "0 to" in page.text


def test_a_good_form_leads_to_its_record(app, browser_of):
    from tests.support.cast import csrf_token

    client = browser_of("owner")
    answer = client.post(FORM, data=GOOD | {"csrf_token": csrf_token()})
    (record,) = records(app)
    assert answer.status_code == 303
    assert answer.location == f"/predictions/{record.id}"
    assert record.channel == "form"
    assert record.inputs == {"age": 44, "visits": 3, "country": "FR"}
    page = parsed(client.get(answer.location))
    for words in (record.output["prediction"], "Probabilities", "44", "owner@example.com",
                  str(record.id), "Again with these values"):  # fmt: skip
        assert words in page.text


def test_faults_are_beside_their_fields_and_values_are_kept(app, post):
    answer = post("owner", FORM, **(GOOD | {"input.age": "old", "input.visits": "-1"}))
    assert answer.status_code == 422
    page = parsed(answer)
    age, visits = (page.all("input", name=name)[0] for name in ("input.age", "input.visits"))
    assert (age["value"], age["aria-invalid"]) == ("old", "true")
    assert (visits["value"], visits["aria-invalid"]) == ("-1", "true")
    assert "Enter a number." in page.text
    assert "Enter 0 or more." in page.text
    assert age["aria-describedby"].split()[0] in {a.get("id") for _, a in page.elements}
    assert [o["value"] for o in page.all("option") if "selected" in o] == ["FR"]
    (record,) = records(app)
    assert record.status == "refused"
    assert record.inputs == [{"age": "old", "visits": "-1", "country": "FR"}]


def test_an_empty_form_names_every_missing_field(post):
    page = parsed(post("owner", FORM))
    assert page.text.count("This field is required.") == 3


def test_a_field_that_the_model_does_not_have_is_shown(post):
    page = parsed(post("owner", FORM, **(GOOD | {"input.salary": "1"})))
    assert "/inputs/0/salary" in page.text


def test_values_are_escaped(post):
    answer = post("owner", FORM, **(GOOD | {"input.age": '"><script>alert(1)</script>'}))
    assert "<script>" not in answer.text
    parsed(answer)


def test_typical_values_fill_the_form(get):
    page = get("owner", FORM, values="typical")
    assert float(page.all("input", name="input.age")[0]["value"]) > 18


def test_the_values_of_a_record_fill_the_form_again(app, get, post):
    post("owner", FORM, **GOOD)
    (record,) = records(app)
    page = get("colleague", FORM, **{"from": str(record.id)})
    assert page.all("input", name="input.age")[0]["value"] == "44"


@pytest.mark.parametrize("origin", ["nonsense", "01900000-0000-7000-8000-000000000000"])
def test_values_of_no_record_are_404(get, origin):
    get("owner", FORM, expect=404, **{"from": origin})


@pytest.mark.parametrize(
    "path", [FORM, "/models/churn", "/models/nothing", "/models/nothing/predict"]
)
def test_models_that_are_not_granted_are_404(get, path):
    get("stranger", path, expect=404)


def test_a_form_for_a_model_not_granted_is_refused_and_recorded(app, post):
    assert post("stranger", FORM, **GOOD).status_code == 404
    (record,) = records(app)
    assert record.status == "refused"


def test_a_form_of_an_auditor_is_refused_and_recorded(app, post):
    assert post("auditor", FORM, **GOOD).status_code == 403
    (record,) = records(app)
    assert record.status == "refused"


def test_a_form_without_its_token_is_refused(browser_of):
    assert browser_of("owner").post(FORM, data=GOOD).status_code == 400


def test_a_model_without_active_version_has_no_form(app, get):
    with app.app_context():
        registry.get_model("churn").active_number = None
        db.session.commit()
    assert "No version of this model is active" in get("owner", FORM, expect=409).text


def test_a_model_of_another_kind_needs_no_change_in_the_service(
    app, client, cast, get, post, tmp_path
):
    """Every type of field, odd names, missing values, a regressor: through form and API."""
    data = pd.DataFrame(
        {
            "class": ["A", "B", "A", "C"] * 6,
            "free text": [f"note number {i}" for i in range(24)],
            "day/of": [f"2026-01-{i + 1:02}" for i in range(24)],
            "insured": [True, False] * 12,
            "_x": [1.5, None, 2.5, 3.5] * 6,
            "cost": [float(i) for i in range(24)],
        }
    )
    inputs = data.drop(columns="cost")
    estimator = make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        FunctionTransformer(_without_gaps),
        KNeighborsRegressor(2),
    ).fit(inputs, data["cost"])
    with app.app_context():
        path = write_model(tmp_path, estimator, data, "odd")
        path.with_suffix(".yaml").write_text("output: {unit: EUR}")
        register(path, "odd-one", target="cost")
    kinds = {f["name"]: f["type"] for f in client.get(
        "/api/v1/models/odd-one", headers=cast["stranger"].bearer
    ).get_json()["signature"]["inputs"]}  # fmt: skip
    assert kinds == {
        "class": "category", "free text": "text", "day/of": "date", "insured": "boolean",
        "_x": "number",
    }  # fmt: skip
    row = {"class": "B", "free text": "new", "day/of": "2026-02-01", "insured": False, "_x": None}
    by_api = client.post(
        "/api/v1/models/odd-one/predictions", json={"inputs": [row]},
        headers=cast["stranger"].bearer,
    )  # fmt: skip
    assert by_api.status_code == 201, by_api.text
    typed = {"input.class": "B", "input.free text": "new", "input.day/of": "2026-02-01",
             "input.insured": "false", "input._x": ""}  # fmt: skip
    assert post("stranger", "/models/odd-one/predict", **typed).status_code == 303
    first, second = records(app)
    assert first.inputs == second.inputs == row
    assert first.output == second.output
    page = get("stranger", f"/predictions/{second.id}")
    assert "EUR" in page.text
    assert "missing" in page.text


def _without_gaps(table):
    import numpy as np

    return np.nan_to_num(np.asarray(table, dtype=float), nan=-1)
