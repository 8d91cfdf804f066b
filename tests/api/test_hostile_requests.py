"""What was once a 500, a lost record or a wrong one."""

import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sqlalchemy import select

from app.extensions import db
from app.models import Event, EventKind, Prediction
from app.services import users
from app.services.model_access import set_restricted
from tests.support.cast import GOOD_ROW, PASSWORD, csrf_token, register, sign_in, write_model

URL = "/api/v1/models/churn/predictions"


def records(app):
    with app.app_context():
        return list(db.session.scalars(select(Prediction).order_by(Prediction.id)))


def test_large_doubles_in_the_book_are_read_again(app, client, cast):
    for value in (1e20, 1e17, -1e20):
        answer = client.post(
            URL, data=f'{{"inputs":[{{"zz":{value!r}}}]}}', content_type="application/json",
            headers=cast["owner"].bearer,
        )  # fmt: skip
        assert answer.status_code == 422
    found = client.get("/api/v1/predictions", headers=cast["owner"].bearer)
    assert found.status_code == 200
    assert [r["inputs"][0]["zz"] for r in found.get_json()["data"]] == [-1e20, 1e17, 1e20]


def test_a_model_that_answers_a_large_double_is_shown(app, client, cast, tmp_path):
    data = pd.DataFrame({"a": [1.0, 2e19], "y": [1e20, 1e20]})
    estimator = DummyRegressor().fit(data[["a"]], data["y"])
    with app.app_context():
        register(write_model(tmp_path, estimator, data, "big"), "big", target="y")
    headers = cast["owner"].bearer
    assert client.get("/api/v1/models/big", headers=headers).status_code == 200
    answer = client.post(
        "/api/v1/models/big/predictions", json={"inputs": [{"a": 1e19}]}, headers=headers
    )
    assert answer.status_code == 201
    identifier = answer.get_json()["predictions"][0]["id"]
    found = client.get(f"/api/v1/predictions/{identifier}", headers=headers).get_json()
    assert found["output"] == {"prediction": 1e20}


@pytest.mark.parametrize("length", ["1152921504606846976", str(10**30)])
def test_a_length_beyond_all_numbers_is_413_and_recorded(app, client, cast, length):
    answer = client.post(
        URL, data=b"{}", content_type="application/json",
        headers=cast["owner"].bearer, environ_overrides={"CONTENT_LENGTH": length},
    )  # fmt: skip
    assert answer.status_code == 413
    assert records(app)[0].inputs["bytes"] == 2**53 - 1


def test_a_name_with_u0000_is_refused_and_recorded(app, client, cast):
    answer = client.post(
        "/api/v1/models/a%00b/predictions", json={"inputs": [{}]}, headers=cast["owner"].bearer
    )
    assert answer.status_code == 404
    assert records(app)[0].status == "refused"


@pytest.mark.parametrize("fields", [{"input.country": "F\x00R"}, {"input.a\x00b": "1"}])
def test_a_form_with_u0000_is_refused_beside_its_field_and_recorded(app, client, cast, fields):
    sign_in(client, cast["owner"])
    data = {"csrf_token": csrf_token(), "input.age": "4", "input.visits": "1"} | fields
    answer = client.post("/models/churn/predict", data=data)
    assert answer.status_code == 422
    assert "Remove the character U+0000." in answer.text
    assert records(app)[0].status == "refused"


@pytest.mark.parametrize(
    "query",
    [
        "q=caller:%00",
        "q=%00",
        "q=version:1_0",
        "limit=٥",
        "q=at:99999999999",
        "q=(",
        "model=churn",
        "q=id:%ff",
    ],
)
def test_odd_queries_are_400(client, cast, query):
    answer = client.get(f"/api/v1/predictions?{query}", headers=cast["owner"].bearer)
    assert answer.status_code == 400
    sign_in(client, cast["owner"])
    if "limit" not in query:
        assert client.get(f"/predictions?{query}").status_code == 400


def test_a_token_name_that_cannot_be_printed_is_refused(client, cast):
    sign_in(client, cast["owner"])
    data = {"csrf_token": csrf_token(), "name": "a\x00b", "scopes": "predict", "expires": "90d"}
    answer = client.post("/account/tokens", data=data)
    assert answer.status_code == 422
    assert "printable" in answer.text


@pytest.mark.parametrize("path", ["/login", "/verify", "/account/password"])
def test_an_endless_password_is_just_wrong(client, cast, path):
    if path != "/login":
        sign_in(client, cast["owner"])
    else:
        with client.session_transaction() as session:
            session["csrf_token"] = "0" * 40
    answer = client.post(
        path, data={"csrf_token": csrf_token(), "email": "owner@example.com", "password": "x" * 5000,
                    "new_password": "y" * 5000, "new_password_confirm": "y" * 5000},
    )  # fmt: skip
    assert answer.status_code == 200
    assert 'class="error"' in answer.text or "password is wrong" in answer.text


def test_pages_read_no_json(client):
    answer = client.post("/login", json="x")
    assert answer.status_code == 415


def test_a_page_never_answers_json(client, cast):
    sign_in(client, cast["owner"])
    answer = client.get("/account/password", headers={"Accept": "application/json"})
    assert answer.content_type.startswith("text/html")


def test_a_refusal_for_the_accepted_type_is_recorded(app, client, cast):
    answer = client.post(
        URL, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer | {"Accept": "text/csv"}
    )
    assert answer.status_code == 406
    assert records(app)[0].status == "refused"


def test_the_request_id_of_an_answer_is_that_of_its_records(app, client, cast):
    headers = cast["owner"].bearer | {"X-Request-Id": "mine"}
    good = client.post(URL, json={"inputs": [GOOD_ROW]}, headers=headers)
    bad = client.post(URL, json={"inputs": [{}]}, headers=headers)
    assert [str(r.request_id) for r in records(app)] == [
        good.get_json()["request_id"], bad.get_json()["request_id"]
    ]  # fmt: skip
    assert good.headers["X-Request-Id"] == bad.headers["X-Request-Id"] == "mine"


def test_faults_beyond_a_thousand_are_counted(client, cast):
    answer = client.post(URL, json={"inputs": [{}] * 1000}, headers=cast["owner"].bearer)
    document = answer.get_json()
    assert document["detail"].startswith(
        "3,000 faults, 1,000 of them listed; the first: /inputs/0/age"
    )
    assert len(document["errors"]) == 1000


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [GOOD_ROW] * 1200, "references": [7] * 1200},
        {"inputs": [GOOD_ROW]} | {f"member{i}": 1 for i in range(1200)},
    ],
)
def test_faults_of_every_kind_are_listed_up_to_a_thousand(client, cast, body):
    document = client.post(URL, json=body, headers=cast["owner"].bearer).get_json()
    assert document["detail"].startswith("1,200 faults, 1,000 of them listed")
    assert len(document["errors"]) == 1000


def test_spellings_of_one_address_are_one_account_for_the_limit(app, client, monkeypatch):
    settings = app.extensions["settings"].model_copy(update={"sign_in_limit": "2 per hour"})
    monkeypatch.setitem(app.extensions, "settings", settings)
    with client.session_transaction() as session:
        session["csrf_token"] = "0" * 40
    spellings = [
        "owner@example.com",
        "OWNER@example.com ",
        "owner@e\uff58ample.com",
        "owner@example\u3002com",
    ]
    statuses = [
        client.post(
            "/login",
            data={"csrf_token": csrf_token(), "email": email, "password": "wrong one here"},
        ).status_code
        for email in spellings
    ]
    assert statuses == [200, 200, 429, 429]


def test_wrong_passwords_of_a_password_change_are_limited_and_events(
    app, client, cast, monkeypatch
):
    settings = app.extensions["settings"].model_copy(update={"sign_in_limit": "2 per hour"})
    monkeypatch.setitem(app.extensions, "settings", settings)
    sign_in(client, cast["owner"])
    data = {"csrf_token": csrf_token(), "password": "wrong one here",
            "new_password": "a new long sentence", "new_password_confirm": "a new long sentence"}  # fmt: skip
    statuses = [client.post("/account/password", data=data).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    with app.app_context():
        kinds = db.session.scalars(select(Event.kind).order_by(Event.id.desc()).limit(2)).all()
    assert kinds == [EventKind.SIGN_IN_FAILED] * 2


@pytest.mark.parametrize("password", ["Überraschung-größe-123", "ﬁne ligatures in here"])
def test_a_password_works_however_its_letters_are_composed(app, client, password):
    with app.app_context():
        users.set_password(users.find_user("owner@example.com"), password)
        db.session.commit()
    with client.session_transaction() as session:
        session["csrf_token"] = "0" * 40
    data = {"csrf_token": csrf_token(), "email": "owner@example.com", "password": password}
    assert client.post("/login", data=data).status_code == 302


def test_an_answer_that_cannot_be_recorded_is_a_failed_record(app, client, cast, monkeypatch):
    with app.app_context():
        version = _target(app, cast["owner"].caller)
    monkeypatch.setattr(version.runtime, "score", lambda _: [{"prediction": 2**60}])
    answer = client.post(URL, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)
    assert answer.status_code == 500
    assert records(app)[0].status == "failed"


def test_readyz_does_not_name_models_to_strangers(app, client, monkeypatch):
    with app.app_context():
        set_restricted("churn", True)
    monkeypatch.setattr(app.extensions["runtimes"], "broken", lambda: {"churn": "because"})
    assert "churn" not in client.get("/readyz").text


def test_correct_password_still_signs_in_after_all_that(client):
    with client.session_transaction() as session:
        session["csrf_token"] = "0" * 40
    data = {"csrf_token": csrf_token(), "email": "owner@example.com", "password": PASSWORD}
    assert client.post("/login", data=data).status_code == 302


def _target(app, caller):
    runtimes = app.extensions["runtimes"]
    return runtimes.version(runtimes.entry(caller, "churn"))


def test_a_fault_of_our_own_is_a_failed_record(app, client, cast, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("our fault")

    monkeypatch.setattr("app.services.submissions.parse", fail)
    answer = client.post(URL, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)
    assert answer.status_code == 500
    (record,) = records(app)
    assert (record.status, record.model) == ("failed", "churn")
    assert "our fault" not in answer.text


def test_a_refusal_names_its_model_in_the_book_as_soon_as_it_is_known(app, client, cast):
    url = "/api/v1/models/churn/versions/9/predictions"
    client.post(url, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)
    found = client.get("/api/v1/predictions?q=model:churn", headers=cast["owner"].bearer).get_json()
    assert [r["status"] for r in found["data"]] == ["refused"]


def test_a_session_cannot_spread_its_guesses_over_other_accounts(app, client, cast, monkeypatch):
    settings = app.extensions["settings"].model_copy(update={"sign_in_limit": "2 per hour"})
    monkeypatch.setitem(app.extensions, "settings", settings)
    sign_in(client, cast["owner"])
    statuses = [
        client.post(
            "/verify",
            data={
                "csrf_token": csrf_token(),
                "email": f"x{i}@example.com",
                "password": "wrong one",
            },
        ).status_code
        for i in range(3)
    ]
    assert statuses == [200, 200, 429]


def test_made_up_methods_are_one_label(client):
    for method in ("BREW", "WHEN"):
        client.open("/livez", method=method)
    text = client.get("/metrics").text
    assert "BREW" not in text
    assert 'method="other"' in text
