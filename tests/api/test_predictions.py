"""Asking for predictions by API."""

import json
from uuid import UUID

import pytest
from sqlalchemy import event, select, text

from app.extensions import db
from app.models import Prediction
from app.recorder.statements import RECORD
from app.services.history import leaf_hash_of
from tests.support.cast import GOOD_ROW

URL = "/api/v1/models/churn/predictions"


def ask(client, member, inputs, **more):
    body = json.dumps({"inputs": inputs} | more)
    return client.post(URL, data=body, content_type="application/json", headers=member.bearer)


def records(app):
    with app.app_context():
        return list(db.session.scalars(select(Prediction).order_by(Prediction.id)))


def test_one_row_is_answered_with_its_committed_record(app, client, cast):
    answer = ask(client, cast["owner"], [GOOD_ROW])
    assert answer.status_code == 201
    document = answer.get_json()
    assert document["model"] == {"name": "churn", "version": 1}
    (prediction,) = document["predictions"]
    assert set(prediction["output"]["probabilities"]) == {"yes", "no"}
    (record,) = records(app)
    assert str(record.id) == prediction["id"]
    assert str(record.request_id) == document["request_id"]
    assert record.inputs == GOOD_ROW
    assert record.output == prediction["output"]
    assert record.status == "accepted"
    with app.app_context():
        assert leaf_hash_of(record).hex() == prediction["leaf_hash"]


def test_stored_bytes_are_canonical(app, client, cast):
    body = '{"inputs": [{"visits": 3.0, "country": "FR", "age": 4.40e1}]}'
    client.post(URL, data=body, content_type="application/json", headers=cast["owner"].bearer)
    with app.app_context():
        stored = db.session.scalar(text("SELECT inputs::text FROM predictions"))
    assert stored == '{"age":44,"country":"FR","visits":3}'


def test_many_rows_make_many_records_of_one_request(app, client, cast):
    rows = [GOOD_ROW | {"age": float(age)} for age in range(20, 70)]
    document = ask(client, cast["owner"], rows).get_json()
    found = records(app)
    assert [str(r.id) for r in found] == [p["id"] for p in document["predictions"]]
    assert [r.inputs["age"] for r in found] == [row["age"] for row in rows]
    assert {str(r.request_id) for r in found} == {document["request_id"]}
    assert [r.row for r in found] == list(range(50))


def test_references_and_subjects_are_kept_with_their_rows(app, client, cast):
    answer = ask(
        client, cast["owner"], [GOOD_ROW, GOOD_ROW], references=["a-1", None], subjects=[None, "p9"]
    )
    assert answer.status_code == 201
    first, second = records(app)
    assert (first.reference, first.subject) == ("a-1", None)
    assert (second.reference, second.subject) == (None, "p9")
    assert first.reference_commitment
    assert not first.subject_commitment


def test_every_fault_of_every_row_is_listed_with_its_pointer(client, cast):
    rows = [
        {"age": "x", "visits": 1.5, "country": "XX"},
        GOOD_ROW,
        {"age": 1e9, "visits": True, "country": "FR", "salary/gross": 1},
        {"visits": None, "country": "FR"},
        7,
    ]
    answer = ask(client, cast["owner"], rows)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    pointers = [error["pointer"] for error in answer.get_json()["errors"]]
    assert sorted(pointers) == sorted(
        [
            "/inputs/0/age", "/inputs/0/visits", "/inputs/0/country",
            "/inputs/2/age", "/inputs/2/visits", "/inputs/2/salary~1gross",
            "/inputs/3/age", "/inputs/3/visits",
            "/inputs/4",
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "field", "message"),
    [
        ({"agee": 4}, "agee", "This model has no such field. Did you mean age?"),
        ({"age": None}, "age", "This field is required."),
        ({"age": "44"}, "age", "Enter a number."),
        ({"age": True}, "age", "Enter a number."),
        ({"visits": 3.5}, "visits", "Enter a whole number."),
        ({"visits": -1}, "visits", "Enter 0 or more."),
        ({"country": "FX"}, "country", "Choose one of: DE, FR, PL."),
        ({"country": 5}, "country", "Choose one of: DE, FR, PL."),
    ],
)
def test_a_bad_value_is_refused_by_name(client, cast, row, field, message):
    answer = ask(client, cast["owner"], [GOOD_ROW | row])
    errors = answer.get_json()["errors"]
    assert {"pointer": f"/inputs/0/{field}", "message": message} in errors
    assert answer.status_code == 422


def test_a_refused_request_is_one_record_with_what_was_sent(app, client, cast):
    answer = ask(client, cast["owner"], [GOOD_ROW, {"age": "secret"}])
    (record,) = records(app)
    assert record.status == "refused"
    assert record.inputs == [GOOD_ROW, {"age": "secret"}]
    assert record.output["type"] == "urn:daybook:problem:invalid-inputs"
    assert record.model == "churn"
    assert record.model_version == 1
    assert answer.get_json()["prediction_id"] == str(record.id)


def test_the_words_of_an_error_do_not_repeat_the_inputs(client, cast):
    answer = ask(client, cast["owner"], [GOOD_ROW | {"age": "very-private"}])
    assert "very-private" not in answer.text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"inputs": [{"age": NaN}]}', "NaN"),
        (b'{"inputs": [{"age": 1e400}]}', "too large"),
        (b'{"inputs": [], "inputs": []}', "same key twice"),
        (b'{"inputs": [{"age": 9007199254740992}]}', "integer"),
        (b'{"inputs": ["\\ud800"]}', "surrogate"),
        (b'{"inputs": ["\\u0000"]}', "U+0000"),
        (b"[" * 1024, "nested"),
        (b'{"a":' * 2000, "nested"),
        (b"\xff\xfe{\x00", "UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"inputs": [', "line 1"),
        (b"", "line 1"),
    ],
)
def test_a_body_that_is_no_strict_json_is_refused_and_recorded(app, client, cast, body, reason):
    answer = client.post(
        URL, data=body, content_type="application/json", headers=cast["owner"].bearer
    )
    assert answer.status_code == 400
    assert reason in answer.get_json()["detail"]
    (record,) = records(app)
    assert record.status == "refused"
    assert record.inputs["bytes"] == len(body)
    assert len(record.inputs["sha256"]) == 64


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/inputs"),
        ({"inputs": {}}, "/inputs"),
        ({"inputs": []}, "/inputs"),
        ({"inputs": [GOOD_ROW], "input": 1}, "/input"),
        ({"inputs": [GOOD_ROW], "references": ["a", "b"]}, "/references"),
        ({"inputs": [GOOD_ROW], "subjects": [7]}, "/subjects/0"),
        ({"inputs": [GOOD_ROW], "references": [""]}, "/references/0"),
    ],
)
def test_a_body_of_the_wrong_shape_says_where(client, cast, body, pointer):
    answer = client.post(URL, json=body, headers=cast["owner"].bearer)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.get_json()["errors"]]


def test_a_list_instead_of_an_object_is_refused(client, cast):
    assert client.post(URL, json=[GOOD_ROW], headers=cast["owner"].bearer).status_code == 400


def test_more_rows_than_the_cap_are_refused_as_too_large(app, client, cast, monkeypatch):
    settings = app.extensions["settings"].model_copy(update={"max_rows": 3})
    monkeypatch.setitem(app.extensions, "settings", settings)
    answer = ask(client, cast["owner"], [GOOD_ROW] * 4)
    assert answer.status_code == 413
    assert len(records(app)) == 1


def test_a_body_beyond_the_limit_is_refused_unread_and_recorded(app, client, cast, monkeypatch):
    little = app.extensions["settings"].model_copy(update={"max_body_bytes": 1000})
    monkeypatch.setitem(app.extensions, "settings", little)
    answer = ask(client, cast["owner"], [GOOD_ROW] * 50)
    assert answer.status_code == 413
    (record,) = records(app)
    assert record.inputs["bytes"] > 1000


@pytest.mark.parametrize("kind", ["text/plain", "application/json; charset=latin-1", ""])
def test_another_media_type_is_refused_and_recorded(app, client, cast, kind):
    answer = client.post(URL, data=b"{}", content_type=kind, headers=cast["owner"].bearer)
    assert answer.status_code == 415
    (record,) = records(app)
    assert record.status == "refused"


def test_a_version_can_be_asked_by_its_number(client, cast):
    url = "/api/v1/models/churn/versions/1/predictions"
    answer = client.post(url, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)
    assert answer.status_code == 201
    assert client.post(
        url.replace("/1/", "/9/"), json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer
    ).status_code == 404  # fmt: skip


def test_an_unknown_model_is_refused_and_recorded_without_a_model(app, client, cast):
    url = "/api/v1/models/nothing/predictions"
    answer = client.post(url, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)
    assert answer.status_code == 404
    (record,) = records(app)
    assert record.model is None
    assert record.status == "refused"


def test_a_model_that_raises_is_a_failed_record(app, client, cast, monkeypatch):
    def explode(*_):
        raise ValueError("the inputs are secret")

    runtimes = app.extensions["runtimes"]
    with app.app_context():
        version = runtimes.version(runtimes.entry(cast["owner"].caller, "churn"))
    monkeypatch.setattr(version.runtime, "_ask", explode)
    answer = ask(client, cast["owner"], [GOOD_ROW])
    assert answer.status_code == 500
    assert answer.get_json()["type"] == "urn:daybook:problem:model-failed"
    assert "secret" not in answer.text
    (record,) = records(app)
    assert record.status == "failed"
    assert record.inputs == [GOOD_ROW]
    assert record.model_version == 1


def test_ids_are_uuids_of_version_7_in_the_order_of_the_rows(client, cast):
    document = ask(client, cast["owner"], [GOOD_ROW] * 5).get_json()
    identifiers = [UUID(p["id"]) for p in document["predictions"]]
    assert identifiers == sorted(identifiers)
    assert {identifier.version for identifier in identifiers} == {7}


def test_a_warm_answer_reads_nothing_and_writes_once(app, client, cast, monkeypatch):
    """The budget of the hot path: one statement, the one that records."""
    for place in ("runtimes", "tokens"):
        monkeypatch.setattr(f"app.services.{place}.FRESH_SECONDS", 60)
    ask(client, cast["owner"], [GOOD_ROW])
    written, read = [], []
    monkeypatch.setattr(app.extensions["recorder"], "_book", Watched(app, written))
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *call: read.append(call[2]))
    assert ask(client, cast["owner"], [GOOD_ROW]).status_code == 201
    assert written == [RECORD]
    assert read == []


class Watched:
    """The recorder's book, which notes what it is asked."""

    def __init__(self, app, statements):
        self._book, self._statements = app.extensions["recorder"]._book, statements

    def call(self, statement, *others):
        self._statements.append(statement)
        return self._book.call(statement, *others)
