"""Doors for clients of other servers: the same row through each is the same record, and errors are in their words."""

import json
import struct

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sqlalchemy import Text, cast, select

from app import create_app
from app.application import is_for_programs
from app.extensions import db
from app.models import Event, Prediction
from tests.support.cast import GOOD_ROW, customers, register, write_model
from tests.support.postgres import dispose, settings_for

V2, V1 = "/v2/models/churn/infer", "/v1/models/churn:predict"
MLFLOW, API = "/models/churn/invocations", "/api/v1/models/churn/predictions"
LENGTH = "Inference-Header-Content-Length"
NAMES = list(GOOD_ROW)
DATATYPES = {"age": "FP64", "visits": "INT64", "country": "BYTES"}


def columns(rows, **more):
    return [
        {"name": name, "datatype": DATATYPES[name], "shape": [len(rows)], "data": [row[name] for row in rows]} | more
        for name in NAMES
    ]  # fmt: skip


def texts(values):
    return b"".join(struct.pack("<I", len(v)) + v for v in (str(v).encode() for v in values))


def binary(rows, document=None):
    """The body of a request in bytes, and its header."""
    parts = {
        "age": np.array([row["age"] for row in rows], "<f8").tobytes(),
        "visits": np.array([row["visits"] for row in rows], "<i8").tobytes(),
        "country": texts([row["country"] for row in rows]),
    }
    inputs = [
        {"name": name, "datatype": DATATYPES[name], "shape": [len(rows), 1], "parameters": {"binary_data_size": len(parts[name])}}
        for name in NAMES
    ]  # fmt: skip
    head = json.dumps({"inputs": inputs} | (document or {})).encode()
    return head + b"".join(parts.values()), {LENGTH: str(len(head))}


@pytest.fixture
def send(client, cast):
    """Returns a function that posts something as a member of the cast."""

    def post(path, body, who="owner", type_="application/json", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body)
        return client.post(path, data=data, content_type=type_, headers=cast[who].bearer | headers)

    return post


ROW = [GOOD_ROW[name] for name in NAMES]
DOORS = {
    "the API": (API, {"inputs": [GOOD_ROW]}, "application/json"),
    "V2, columns": (V2, {"inputs": columns([GOOD_ROW])}, "application/json"),
    "V2, nested": (V2, {"inputs": [one | {"shape": [1, 1], "data": [one["data"]]} for one in columns([GOOD_ROW])]}, "application/json"),
    "V2, base64": (V2, {"inputs": [*columns([GOOD_ROW])[:2], {"name": "country", "datatype": "BYTES", "shape": [1],
                                   "parameters": {"content_type": "base64"}, "data": ["RlI="]}]}, "application/json"),
    "V2, a version": ("/v2/models/churn/versions/1/infer", {"inputs": columns([GOOD_ROW])}, "application/json"),
    "V1, by name": (V1, {"instances": [GOOD_ROW]}, "application/json"),
    "V1, in order": (V1, {"instances": [ROW]}, "application/json"),
    "MLflow, split": (MLFLOW, {"dataframe_split": {"columns": NAMES[::-1], "data": [ROW[::-1]]}}, "application/json"),
    "MLflow, split without columns": (MLFLOW, {"dataframe_split": {"data": [ROW]}}, "application/json"),
    "MLflow, records": (MLFLOW, {"dataframe_records": [GOOD_ROW], "params": {}}, "application/json"),
    "MLflow, instances": (MLFLOW, {"instances": [GOOD_ROW]}, "application/json; charset=utf-8"),
    "MLflow, inputs": (MLFLOW, {"inputs": {name: [value] for name, value in GOOD_ROW.items()}}, "application/json"),
    "MLflow, CSV": (MLFLOW, b"age,visits,country\r\n44.0,3,FR\r\n", "text/csv"),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_the_same_row_is_the_same_record_and_the_same_answer(app, send, door):
    path, body, type_ = DOORS[door]
    assert send(API, DOORS["the API"][1]).status_code == 201
    answer = send(path, body, type_=type_)
    assert answer.status_code in (200, 201), answer.text
    with app.app_context():
        written = select(cast(Prediction.inputs, Text), cast(Prediction.output, Text))
        assert len(set(db.session.execute(written).all())) == 1
        assert db.session.query(Prediction).count() == 2


def test_bytes_are_read_and_written(send):
    rows = [GOOD_ROW, GOOD_ROW | {"country": "DE", "age": 61.5}]
    plain = send(
        V2, {"inputs": columns(rows), "outputs": [{"name": "predict"}, {"name": "predict_proba"}]}
    )
    body, headers = binary(rows, {"parameters": {"binary_data_output": True},
                                  "outputs": [{"name": "predict"}, {"name": "predict_proba"}], "id": "mine"})  # fmt: skip
    answer = send(V2, body, type_="application/octet-stream", **headers)
    assert answer.status_code == 200, answer.text
    length = int(answer.headers[LENGTH])
    document, data = json.loads(answer.data[:length]), answer.data[length:]
    labels, shares = document["outputs"]
    assert (document["id"], document["model_name"], document["model_version"]) == (
        "mine",
        "churn",
        "1",
    )
    size = labels["parameters"]["binary_data_size"]
    assert data[:size] == texts(plain.get_json()["outputs"][0]["data"])
    assert np.frombuffer(data[size:], "<f8").tolist() == plain.get_json()["outputs"][1]["data"]
    assert (labels["shape"], shares["shape"]) == ([2, 1], [2, 2])


def test_one_matrix_is_read_in_the_order_of_the_model(send, client, cast, app, tmp_path):
    from sklearn.linear_model import LinearRegression

    with app.app_context():
        data = customers().drop(columns=["country", "left"])
        path = write_model(
            tmp_path, LinearRegression().fit(data[["age"]], data["visits"]), data, "spend"
        )
        register(path, "spend", target="visits")
    matrix = {"name": "input-0", "datatype": "FP32", "shape": [2, 1], "data": [[20.0], [30.0]]}
    answer = send("/v2/models/spend/infer", {"inputs": [matrix]}).get_json()
    assert [(one["datatype"], one["shape"]) for one in answer["outputs"]] == [("FP64", [2, 1])]
    assert (
        send("/v1/models/spend:predict", {"instances": [20.0, [30.0]]}).get_json()["predictions"]
        == answer["outputs"][0]["data"]
    )
    refused = send(
        "/v2/models/spend/infer", {"inputs": [matrix], "outputs": [{"name": "predict_proba"}]}
    )
    assert (refused.status_code, "The model has: predict." in refused.get_json()["error"]) == (
        400,
        True,
    )


def test_the_id_is_echoed_and_kept_as_the_reference(app, send):
    answer = send(V2, {"id": "order-17", "inputs": columns([GOOD_ROW, GOOD_ROW])})
    assert answer.get_json()["id"] == "order-17"
    assert (
        send(MLFLOW, {"instances": [GOOD_ROW], "client_request_id": "order-18"}).status_code == 200
    )
    with app.app_context():
        found = db.session.execute(select(Prediction.reference, Prediction.channel)).all()
        assert sorted(map(tuple, found)) == [("order-17", "v2")] * 2 + [("order-18", "mlflow")]
    assert send(V2, {"inputs": columns([GOOD_ROW])}).get_json()["id"]


@pytest.mark.parametrize("path", [V2, V1, MLFLOW])
def test_the_same_key_brings_back_the_same_answer(app, send, path):
    body = {
        V2: {"inputs": columns([GOOD_ROW])},
        V1: {"instances": [GOOD_ROW]},
        MLFLOW: {"instances": [GOOD_ROW]},
    }[path]
    first, again = (send(path, body, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert first.data == again.data
    assert again.headers["Idempotent-Replayed"] == "true"
    with app.app_context():
        assert db.session.query(Prediction).count() == 1


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 200), ("colleague", 200), ("stranger", 404), ("auditor", 403), ("admin", 200)],
)
@pytest.mark.parametrize("path", [V2, V1, MLFLOW])
def test_who_may_ask(send, who, status, path):
    body = {"inputs": columns([GOOD_ROW])} if path == V2 else {"instances": [GOOD_ROW]}
    answer = send(path, body, who=who)
    assert answer.status_code == status
    if status != 200:
        assert set(answer.get_json()) == (
            {"error_code", "message"} if path == MLFLOW else {"error"}
        )
        assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v2/models/churn", 200), ("/v2/models/churn/versions/1", 200), ("/v2/models/churn/ready", 200), ("/v1/models/churn", 200),
     ("/v2/models/nothing", 404), ("/v2/models/churn/versions/9", 404), ("/v1/models/nothing", 404), ("/v2/nothing", 404)],
)  # fmt: skip
def test_models_are_described_to_those_who_may_use_them(client, cast, path, status):
    answer = client.get(path, headers=cast["owner"].bearer)
    assert answer.status_code == status
    stranger = client.get(path, headers=cast["stranger"].bearer)
    assert stranger.status_code == 404
    assert list(stranger.get_json()) == ["error"]
    assert client.get(path).status_code in (401, 404)


def test_a_model_is_described_with_its_tensors(client, cast):
    found = client.get("/v2/models/churn", headers=cast["owner"].bearer).get_json()
    assert {one["name"]: one["datatype"] for one in found["inputs"]} == DATATYPES
    assert [(one["name"], one["datatype"], one["shape"]) for one in found["outputs"]] == [
        ("predict", "BYTES", [-1, 1]), ("predict_proba", "FP64", [-1, 2])
    ]  # fmt: skip
    index = client.post("/v2/repository/index", json={"ready": True}, headers=cast["owner"].bearer)
    assert index.get_json() == [{"name": "churn", "version": "1", "state": "READY", "reason": ""}]
    listed = client.get("/v1/models", headers=cast["owner"].bearer).get_json()
    assert listed == {"models": ["churn"]}


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v2/health/live", {"live": True}), ("/v2/health/ready", {"live": True, "ready": True}), ("/ping", None), ("/health", None)],
)  # fmt: skip
def test_health_is_told_as_the_clients_read_it(client, path, body):
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.data == b"\n" if body is None else answer.get_json() == body
    assert "binary_tensor_data" in client.get("/v2").get_json()["extensions"]


GOOD = columns([GOOD_ROW])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "a list of tensors"), ({"inputs": []}, "a list of tensors"), ({"inputs": [1]}, "an object with name"), (b"{", "no JSON"),
        (b"[]", "an object with inputs"), ({"inputs": [GOOD[0] | {"datatype": "FP8"}]}, "Give one of: BOOL"),
        ({"inputs": [GOOD[0] | {"shape": "1"}]}, "a list of sizes"), ({"inputs": [GOOD[0] | {"shape": [2]}]}, "The shape has 2 values, but there are 1"),
        ({"inputs": [GOOD[0] | {"data": None}]}, "a list of values"), ({"inputs": [GOOD[0] | {"data": ["x"]}]}, "A value is no FP64"),
        ({"inputs": [*GOOD[:1], GOOD[1] | {"data": [1.5]}, GOOD[2]]}, "A value is no INT64"),
        ({"inputs": [*GOOD[:2], GOOD[2] | {"datatype": "FP16", "data": [1]}]}, "send bytes"), ({"inputs": GOOD[:2]}, "This field is required"),
        ({"inputs": [*GOOD, GOOD[0] | {"name": "other"}]}, "no such field"), ({"inputs": [*GOOD, GOOD[0]]}, "there twice"),
        ({"inputs": [*GOOD[:2], GOOD[2] | {"shape": [2], "data": ["FR", "DE"]}]}, "different numbers of rows"),
        ({"inputs": [GOOD[0] | {"name": "x"}]}, "[rows, 3]"), ({"inputs": GOOD, "outputs": [{"name": "x"}]}, "The model has: predict, predict_proba"),
        ({"inputs": GOOD, "outputs": 5}, "a list of objects"), ({"inputs": GOOD, "id": 5}, "Send text"), ({"inputs": GOOD, "parameters": 5}, "an object"),
        ({"inputs": GOOD, "id": "x" * 201}, "1 to 200 characters"),
        ({"inputs": [one | {"shape": [0], "data": []} for one in GOOD]}, "There is no row"),
    ],
)  # fmt: skip
def test_a_bad_request_of_v2_is_refused_in_its_words_and_recorded(app, send, body, words):
    answer = send(V2, body)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.get_json()) == ["error"]
    assert words in answer.get_json()["error"]
    with app.app_context():
        assert db.session.scalar(select(Prediction.status)) == "refused"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda body, length: (body[:-1], length), "bytes are announced"), (lambda body, length: (body + b"x", length), "1 bytes are left"),
        (lambda body, _: (body, "999999"), "but the body has"), (lambda body, _: (body, "-1"), "a number of bytes"),
        (lambda body, _: (body, "5"), "no JSON"), (lambda body, _: (body, "x"), "a number of bytes"),
        (lambda body, length: (body.replace(b'"binary_data_size": 8', b'"binary_data_size": 7', 1), length), "no whole number of FP64"),
        (lambda body, length: (body.replace(b'"binary_data_size": 6', b'"binary_data_size": 3', 1), length), "end within the length"),
        (lambda body, length: (body[:-6] + struct.pack("<I", 9) + b"FR", length), "end within a text"),
        (lambda body, length: (body[:-2] + b"\xff\xfe", length), "not in UTF-8"),
        (lambda body, length: (body.replace(b'"binary_data_size": 8', b'"binary_data_size":"8"', 1), str(int(length) + 1)), ""),
    ],
)  # fmt: skip
def test_bytes_that_do_not_fit_are_refused(send, change, words):
    body, headers = binary([GOOD_ROW])
    body, length = change(body, headers[LENGTH])
    answer = send(V2, body, type_="application/octet-stream", **{LENGTH: length})
    assert (answer.status_code, words in answer.get_json()["error"]) == (400, True), answer.text


@pytest.mark.parametrize(
    ("body", "type_", "status", "words"),
    [
        ({}, "application/json", 400, "exactly one of"), ({"instances": [], "inputs": []}, "application/json", 400, "exactly one of"),
        ({"instances": []}, "application/json", 400, "There is no row"), ({"instances": 5}, "application/json", 400, "a list of rows"),
        ({"instances": [5]}, "application/json", 400, "object"), (b"[]", "application/json", 400, "Send an object"),
        ({"dataframe_split": []}, "application/json", 400, "columns and data"),
        ({"dataframe_split": {"columns": [1], "data": []}}, "application/json", 400, "a list of names"),
        ({"dataframe_split": {"columns": ["age"], "data": [[1, 2]]}}, "application/json", 400, "a value for each column"),
        ({"inputs": {"age": [1], "visits": [1, 2]}}, "application/json", 400, "different numbers"),
        ({"instances": [GOOD_ROW], "more": 1}, "application/json", 400, "a member that there is not"),
        ({"instances": [GOOD_ROW | {"age": "old"}]}, "application/json", 400, "Enter a number"),
        (b"age,visits\n1\n", "text/csv", 400, "Line 2 has 1 cells"), (b"\xff", "text/csv", 400, "no CSV in UTF-8"),
        (b"age,visits,country\nold,3,FR\n", "text/csv", 400, "Enter a number"), (b"", "text/csv", 400, "There is no row"),
        (b"{}", "text/plain", 415, "application/json or text/csv"), (b"{}", "application/json; x=1", 415, "application/json"),
        (b"{}", "application/json; charset=latin-1", 415, "UTF-8"),
    ],
)  # fmt: skip
def test_a_bad_request_of_mlflow_is_refused_in_its_words(send, body, type_, status, words):
    answer = send(MLFLOW, body, type_=type_)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert answer.mimetype == ("text/plain" if status == 415 else "application/json")


def test_the_default_model_is_a_setting(app, send):
    body = {"instances": [GOOD_ROW]}
    assert send("/invocations", body).status_code == 404
    settings = app.extensions["settings"]
    app.extensions["settings"] = settings.model_copy(update={"default_model": "churn"})
    try:
        answer = send("/invocations", body)
        assert len(answer.get_json()["predictions"]) == 1
    finally:
        app.extensions["settings"] = settings


def test_a_token_may_be_a_basic_password_here_too(client, cast):
    answer = client.post(V1, json={"instances": [GOOD_ROW]}, auth=("anybody", cast["owner"].token))
    assert answer.status_code == 200
    assert client.post(V1, json={"instances": [GOOD_ROW]}).status_code == 401


@pytest.mark.parametrize("who", ["owner", "colleague", "stranger", "auditor"])
def test_only_administrators_load_and_unload(client, cast, who):
    for what in ("load", "unload"):
        answer = client.post(f"/v2/repository/models/churn/{what}", headers=cast[who].bearer)
        assert answer.status_code == 403


def test_what_is_unloaded_answers_no_more_until_it_is_loaded_and_the_book_tells(
    app, client, cast, send
):
    def change(what, name="churn"):
        return client.post(
            f"/v2/repository/models/{name}/{what}", headers=cast["admin"].bearer
        ).status_code

    def index():
        found = client.post("/v2/repository/index", headers=cast["owner"].bearer).get_json()
        return [(one["version"], one["state"]) for one in found]

    assert (change("unload"), change("unload"), change("load", "nothing")) == (200, 200, 404)
    assert index() == [("", "UNAVAILABLE")]
    app.extensions["runtimes"].forget()
    assert client.get("/v2/models/churn/ready", headers=cast["owner"].bearer).status_code == 503
    assert send(V2, {"inputs": columns([GOOD_ROW])}).status_code == 409
    by_number = "/v2/models/churn/versions/1"
    assert client.get(f"{by_number}/ready", headers=cast["owner"].bearer).status_code == 200
    assert send(f"{by_number}/infer", {"inputs": columns([GOOD_ROW])}).status_code == 200
    assert (change("load"), change("load")) == (200, 200)
    assert index() == [("1", "READY")]
    with app.app_context():
        kinds = select(Event.kind).where(
            Event.kind.in_(["model:version:deactivated", "model:version:activated"])
        )
        told = db.session.scalars(
            kinds.where(Event.actor_id == cast["admin"].id).order_by(Event.id)
        ).all()
        assert told == ["model:version:deactivated", "model:version:activated"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 200), (b"{}", 200), (b"{", 400), (b"[]", 400), (b'{"ready": "x"}', 400)],
)
def test_the_index_reads_what_it_is_asked(client, cast, body, status):
    answer = client.post("/v2/repository/index", data=body, headers=cast["owner"].bearer)
    assert answer.status_code == status


def fp64(name, *values):
    data = np.array(values, "<f8").tobytes()
    return {
        "name": name,
        "datatype": "FP64",
        "shape": [len(values)],
        "parameters": {"binary_data_size": len(data)},
    }, data


def sent_bytes(send, path, *tensors, **more):
    head = json.dumps({"inputs": [tensor for tensor, _ in tensors]} | more).encode()
    body = head + b"".join(data for _, data in tensors)
    return send(path, body, type_="application/octet-stream", **{LENGTH: str(len(head))})


def numbers(app, tmp_path, name, estimator, truth):
    with app.app_context():
        data = customers().drop(columns=["country", "left", "visits"]).assign(truth=truth)
        path = write_model(tmp_path, estimator.fit(data[["age"]], data["truth"]), data, name)
        register(path, name, target="truth")
    app.extensions["runtimes"].forget()


def test_probabilities_are_in_the_order_of_the_classes(app, send, tmp_path):
    truth = np.where(customers()["age"] < 35, 2, np.where(customers()["age"] < 55, 5, 10))
    numbers(app, tmp_path, "sizes", KNeighborsClassifier(3), truth)
    answer = sent_bytes(send, "/v2/models/sizes/infer", fp64("age", 20.0, 45.0, 75.0),
                        outputs=[{"name": "predict"}, {"name": "predict_proba"}]).get_json()  # fmt: skip
    labels, shares = answer["outputs"]
    assert (labels["datatype"], labels["data"]) == ("INT64", [2, 5, 10])
    assert np.argmax(np.reshape(shares["data"], shares["shape"]), axis=1).tolist() == [0, 1, 2]


def test_a_number_is_a_number_whatever_it_is(app, send, tmp_path):
    numbers(app, tmp_path, "flat", DummyRegressor(strategy="constant", constant=3.0), 3.0)
    for wants in (False, True):
        answer = sent_bytes(
            send,
            "/v2/models/flat/infer",
            fp64("age", 20.0),
            parameters={"binary_data_output": wants},
        )
        assert answer.status_code == 200
        assert b'"datatype":"FP64"' in answer.data


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 1e400])
def test_what_has_no_canonical_form_is_refused_and_recorded(app, send, tmp_path, value):
    numbers(app, tmp_path, "flat", DummyRegressor(), 3.0)
    answer = sent_bytes(send, "/v2/models/flat/infer", fp64("age", value))
    assert (answer.status_code, "cannot be recorded" in answer.get_json()["error"]) == (400, True)
    for cell in ("inf", "a\0b"):
        table = f"age,visits,country\n{cell},3,FR\n".encode()
        assert send(MLFLOW, table, type_="text/csv").status_code == 400
    with app.app_context():
        assert [one.status for one in db.session.query(Prediction)] == ["refused"] * 3


BOMBS = {
    "rows": (V2, {"inputs": [{"name": "age", "datatype": "UINT8", "shape": [2**30], "data": []}]}, 413),
    "dimensions": (V2, {"inputs": [{"name": "age", "datatype": "UINT8", "shape": [2**31 - 1] * 600, "data": []}]}, 400),
    "outputs": (V2, {"inputs": columns([GOOD_ROW]), "outputs": [{"name": "predict"}] * 2}, 400),
    "no datatype": (V2, {"inputs": [{"name": "age", "datatype": [], "shape": [1], "data": [1]}]}, 400),
    "a column twice": (MLFLOW, {"dataframe_split": {"columns": ["age", "age"], "data": [[1, 2]]}}, 400),
    "names": (MLFLOW, {"dataframe_split": {"columns": [f"{'x' * 500}{n}" for n in range(50)], "data": [[1] * 50] * 50}}, 400),
    "a table of nothing": (MLFLOW, ("," * 50 + "\n") * 2_000, 400),
    "too many lines": (MLFLOW, "age\n" + "1\n" * 10_001, 413),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_would_fill_the_memory_is_refused_before(app, send, bomb):
    path, body, status = BOMBS[bomb]
    is_table = isinstance(body, str)
    answer = send(
        path,
        body.encode() if is_table else body,
        type_="text/csv" if is_table else "application/json",
    )
    assert answer.status_code == status, answer.text
    with app.app_context():
        (record,) = db.session.query(Prediction)
        assert set(record.inputs) == {"bytes", "sha256"}, "not what became of it"


def test_a_key_is_of_one_door_and_one_way_to_read_the_body(send):
    body = {"inputs": [GOOD_ROW]}
    key = {"Idempotency-Key": "one"}
    assert send(API, body, **key).status_code == 201
    assert send(V2, body, **key).status_code == 400, "it is another request"
    good, headers = binary([GOOD_ROW])
    first = send(
        V2, good, type_="application/octet-stream", **headers, **{"Idempotency-Key": "two"}
    )
    assert first.status_code == 200
    assert (
        send(V2, good, type_="application/octet-stream", **{"Idempotency-Key": "two"}).status_code
        == 400
    )


def test_empty_lines_of_a_table_are_passed_over_and_blanks_are_missing(send):
    table = b"age,visits,country\n44.0,3,FR\n\n"
    assert len(send(MLFLOW, table, type_="text/csv").get_json()["predictions"]) == 1
    refused = send(MLFLOW, b"age,visits,country\n\n44.0,,FR\n", type_="text/csv")
    assert "This field is required" in refused.get_json()["message"]


def test_other_things_are_refused_in_plain_words(client, cast, send):
    assert (
        client.get("/v2/models/churn/versions/0", headers=cast["owner"].bearer).status_code == 404
    )
    packed = send(V2, {"inputs": columns([GOOD_ROW])}, **{"Content-Encoding": "gzip"})
    assert (packed.status_code, "Content-Encoding" in packed.get_json()["error"]) == (415, True)
    name = "Mrs Example 1970-01-01"
    assert name not in send(MLFLOW, {"instances": [GOOD_ROW], name: 1}).text
    assert not is_for_programs("/models/invocations")
    assert is_for_programs("/models/invocations/invocations")


def test_health_is_told_where_calls_are_limited_too(fresh_url, cast, tmp_path):
    app = create_app(settings_for(fresh_url, tmp_path, DAYBOOK_API_LIMIT="600 per minute"))
    client = app.test_client()
    for path in ("/ping", "/health", "/v2", "/v2/health/live", "/v2/health/ready"):
        assert client.get(path).status_code == 200, path
    assert (
        client.post(V1, json={"instances": [GOOD_ROW]}, headers=cast["owner"].bearer).status_code
        == 200
    )
    dispose(app)


@pytest.mark.parametrize("door", DOORS)
def test_what_the_client_calls_a_request_is_kept_with_its_record(context, send, door):
    path, body, type_ = DOORS[door]
    answer = send(path, body, type_=type_, **{"X-Request-Id": "mine-7"})
    assert (answer.status_code // 100, answer.headers["X-Request-Id"]) == (2, "mine-7")
    assert db.session.scalars(select(Prediction.client_request_id)).all() == ["mine-7"]


def test_a_record_is_found_by_what_its_client_calls_it(client, cast, send):
    send(
        API, {"inputs": [GOOD_ROW, GOOD_ROW], "references": ["a", None]}, **{"X-Request-Id": "r-1"}
    )
    send(V1, {"instances": []}, **{"X-Request-Id": "r-2"})
    send(API, {"inputs": [GOOD_ROW]}, **{"X-Request-Id": "no name: it has spaces"})
    send(API, {"inputs": [GOOD_ROW]})

    def found(query):
        path = f"/api/v1/predictions?q={query}"
        return client.get(path, headers=cast["owner"].bearer).get_json()["data"]

    assert [one["reference"] for one in found("client_request:r-1")] == [None, "a"]
    assert {one["client_request_id"] for one in found("client_request:r-*")} == {"r-1", "r-2"}
    assert len(found("-has:client_request")) == 2


def test_an_answer_that_is_repeated_is_described_as_the_version_that_gave_it(app, send, tmp_path):
    """The first gave labels; the version that answers now gives numbers."""
    body = {"inputs": columns([GOOD_ROW]), "outputs": [{"name": "predict"}]}
    first = send(V2, body, **{"Idempotency-Key": "k"})
    with app.app_context():
        data = customers()
        numbers = data.assign(left=(data["left"] == "yes") * 1.5)
        regressor = make_pipeline(
            ColumnTransformer([("numbers", "passthrough", ["age", "visits"])]), DummyRegressor()
        )
        path = write_model(
            tmp_path, regressor.fit(numbers.drop(columns="left"), numbers["left"]), numbers
        )
        assert register(path, "churn") == 2
    app.extensions["runtimes"].forget()
    now, again = send(V2, body), send(V2, body, **{"Idempotency-Key": "k"})
    assert again.data == first.data
    (output,) = now.get_json()["outputs"]
    assert (now.get_json()["model_version"], output["datatype"]) == ("2", "FP64")


def test_an_answer_needs_no_statement_but_its_records(send, statements):
    body = {"inputs": columns([GOOD_ROW])}
    send(V2, body)
    statements.clear()
    send(V2, body)
    sent_by_v2 = list(statements)
    statements.clear()
    send(API, {"inputs": [GOOD_ROW]})
    assert sent_by_v2 == statements
