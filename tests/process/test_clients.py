"""Clients that are already out there, against a running service: they change nothing but the address and a token."""

import json
import urllib.request

import httpx
import numpy as np
import pytest
from open_inference.openapi.client import InferenceRequest, OpenInferenceClient
from open_inference.openapi.errors import BadRequestError
from pydantic_open_inference import InputsBaseModel, OutputsBaseModel, RemoteModel
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from tests.support.cast import GOOD_ROW
from tests.support.live import live_server

ROWS = [GOOD_ROW, GOOD_ROW | {"country": "DE", "age": 61.5}]
TYPES = {"age": ("FP64", np.float64), "visits": ("INT64", np.int64), "country": ("BYTES", object)}


@pytest.fixture(scope="module")
def live(server, worker, cast_database, tmp_path_factory):
    name, folder = f"clients_{worker}", tmp_path_factory.mktemp("clients")
    url = server.clone(name, cast_database)
    with live_server(url, folder, DAYBOOK_DEFAULT_MODEL="churn") as running:
        yield running
    server.drop(name)


@pytest.fixture
def triton(live):
    client = InferenceServerClient(f"127.0.0.1:{live.port}")
    yield client
    client.close()


def tensors(*, binary):
    found = []
    for name, (datatype, dtype) in TYPES.items():
        tensor = InferInput(name, [len(ROWS)], datatype)
        values = np.array([row[name] for row in ROWS], dtype)
        tensor.set_data_from_numpy(values, binary_data=binary)
        found.append(tensor)
    return found


def told(live, member):
    body = {"inputs": ROWS}
    with live.session(member.bearer) as session:
        answer = session.post("/api/v1/models/churn/predictions", body).json()
    return [one["output"]["prediction"] for one in answer["predictions"]]


@pytest.mark.parametrize("binary", [True, False])
def test_tritons_client_speaks_bytes_and_json(live, triton, cast, binary):
    headers = cast["owner"].bearer
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("churn", headers=headers)
    assert triton.get_server_metadata()["name"] == "daybook"
    metadata = triton.get_model_metadata("churn", headers=headers)
    assert {one["name"]: one["datatype"] for one in metadata["inputs"]} == {
        name: datatype for name, (datatype, _) in TYPES.items()
    }
    wanted = [
        InferRequestedOutput(name, binary_data=binary) for name in ("predict", "predict_proba")
    ]
    answer = triton.infer(
        "churn", tensors(binary=binary), outputs=wanted, request_id="mine", headers=headers
    )
    labels = [
        one.decode() if isinstance(one, bytes) else one
        for one in answer.as_numpy("predict").ravel()
    ]
    assert labels == told(live, cast["owner"])
    assert answer.as_numpy("predict_proba").shape == (2, 2)
    assert answer.get_response()["id"] == "mine"
    unasked = triton.infer("churn", tensors(binary=binary), headers=headers)
    assert unasked.as_numpy("predict").shape == (2, 1)


def test_tritons_client_reads_what_went_wrong(triton, cast):
    with pytest.raises(InferenceServerException, match="There is no model nothing"):
        triton.infer("nothing", tensors(binary=True), headers=cast["owner"].bearer)
    with pytest.raises(InferenceServerException, match="This field is required"):
        triton.infer("churn", tensors(binary=True)[:1], headers=cast["owner"].bearer)
    with pytest.raises(InferenceServerException, match="Send a token"):
        triton.infer("churn", tensors(binary=True))


@pytest.fixture
def generated(live, cast):
    """The client that is generated from the protocol's own description; what is sent with each call is httpx's."""
    with httpx.Client(headers=cast["owner"].bearer) as sender:
        yield OpenInferenceClient(base_url=live.url, httpx_client=sender)


def json_tensors(rows):
    return [
        {"name": name, "datatype": datatype, "shape": [len(rows)], "data": [row[name] for row in rows]}
        for name, (datatype, _) in TYPES.items()
    ]  # fmt: skip


def test_the_protocols_own_client_asks_and_is_answered(live, generated, cast):
    generated.check_server_liveness()
    generated.check_server_readiness()
    generated.check_model_readiness("churn")
    generated.check_model_version_readiness("churn", "1")
    assert generated.read_server_metadata().name == "daybook"
    described = generated.read_model_metadata("churn")
    assert [one.name for one in described.inputs] == list(TYPES)
    assert generated.read_model_version_metadata("churn", "1").versions == ["1"]
    request = InferenceRequest(id="mine", inputs=json_tensors(ROWS), outputs=[{"name": "predict"}, {"name": "predict_proba"}])  # fmt: skip
    for answer in (
        generated.model_infer("churn", request=request),
        generated.model_version_infer("churn", "1", request=request),
    ):
        assert (answer.id, answer.model_name, answer.model_version) == ("mine", "churn", "1")
        assert [one.shape for one in answer.outputs] == [[2, 1], [2, 2]]
        assert answer.outputs[0].data.__root__ == told(live, cast["owner"])


def test_the_protocols_own_client_reads_what_went_wrong(generated):
    request = InferenceRequest(inputs=json_tensors(ROWS)[:1])
    with pytest.raises(BadRequestError) as refused:
        generated.model_infer("churn", request=request)
    assert "This field is required" in refused.value.body["error"]


def test_mlflows_shapes_and_sagemakers_contract(live, cast):
    def post(path, body, type_):
        request = urllib.request.Request(
            f"{live.url}{path}", body, {"Content-Type": type_} | cast["owner"].bearer
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())["predictions"]

    expected = told(live, cast["owner"])
    table = "age,visits,country\n" + "".join(
        f"{r['age']},{r['visits']},{r['country']}\n" for r in ROWS
    )
    for path in ("/invocations", "/models/churn/invocations"):
        assert (
            post(path, json.dumps({"dataframe_records": ROWS}).encode(), "application/json")
            == expected
        )
        assert post(path, table.encode(), "text/csv") == expected
    with urllib.request.urlopen(f"{live.url}/ping") as answer:
        assert (answer.status, answer.read()) == (200, b"\n")


def test_a_client_that_can_send_no_header_signs_in_with_its_address(live, cast):
    class Customers(InputsBaseModel):
        age: list[float]
        visits: list[int]
        country: list[str]

    class Answers(OutputsBaseModel):
        predict: list[tuple[str]]

    model = RemoteModel(
        model_name="churn", inputs_model=Customers, outputs_model=Answers,
        server_url=f"http://anybody:{cast['owner'].token}@127.0.0.1:{live.port}",
    )  # fmt: skip
    assert model.is_ready()
    given = {name: [row[name] for row in ROWS] for name in TYPES}
    found = model.infer(Customers(**given))
    assert [label for (label,) in found.predict] == told(live, cast["owner"])
