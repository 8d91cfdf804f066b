"""What the description says is what happens: Schemathesis asks everything in it, rightly and wrongly."""

from types import SimpleNamespace

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth

from app import create_app
from tests.support.cast import GOOD_ROW
from tests.support.postgres import dispose, settings_for

#: What a schema cannot say (as many references as rows, integers that are exact) is refused all the same.
CHECKS = {"positive_data_acceptance": {"enabled": False}}
OWN = "POST /api/v1/models/churn/predictions"
ROWS = {"inputs": [GOOD_ROW]}
TENSORS = {
    "inputs": [
        {"name": "age", "datatype": "FP64", "shape": [1], "data": [44]},
        {"name": "visits", "datatype": "INT64", "shape": [1], "data": [3]},
        {"name": "country", "datatype": "BYTES", "shape": [1], "data": ["FR"]},
    ]
}
#: What makes a call succeed, where it is not enough to be of the right form: body and query.
GOOD = {
    OWN: (ROWS, {}),
    "POST /api/v1/models/{name}/predictions": (ROWS, {}),
    "POST /api/v1/models/{name}/versions/{number}/predictions": (ROWS, {}),
    "POST /api/v1/predictions/{identifier}/outcome": ({"outcome": "no"}, {}),
    "POST /api/v1/predictions/{identifier}/reviews": ({"verdict": "unsure"}, {}),
    "POST /api/v1/outcomes": ({"outcomes": [{"reference": "r", "outcome": "yes"}]}, {}),
    "POST /v1/models/{name}:predict": ({"instances": [GOOD_ROW]}, {}),
    "POST /v2/models/{name}/infer": (TENSORS, {}),
    "POST /v2/models/{name}/versions/{number}/infer": (TENSORS, {}),
    "POST /v2/repository/index": ({"ready": True}, {}),
    "POST /models/{name}/invocations": ({"dataframe_records": [GOOD_ROW]}, {}),
    "POST /invocations": ({"dataframe_records": [GOOD_ROW]}, {}),
    "GET /api/v1/predictions": (None, {"q": "model:churn", "limit": 1}),
    "GET /api/v1/exports": (None, {"q": "model:churn", "format": "ndjson"}),
    "GET /api/v1/ledger/consistency": (None, {"from": 1, "to": 2}),
}
PATHS = {"GET /api/v1/ledger/tile/{path}": "0/000.p/1", "GET /api/v1/ledger/tile/entries/{path}": "000.p/1"}  # fmt: skip
#: Unload comes last: nothing answers after it.
LAST = "POST /v2/repository/models/{name}/unload"


@pytest.fixture
def described(fresh_url, cast, tmp_path):
    """The description that the admin gets, where there is something to be found, and the record that is."""
    app = create_app(
        settings_for(
            fresh_url, tmp_path, DAYBOOK_DEFAULT_MODEL="churn", DAYBOOK_LOG_LEVEL="CRITICAL"
        )
    )
    client, owner = app.test_client(), cast["owner"].bearer
    body = ROWS | {"references": ["r"]}
    made = client.post("/api/v1/models/churn/predictions", json=body, headers=owner).json
    identifier = made["predictions"][0]["id"]
    path = f"/api/v1/predictions/{identifier}"
    client.post(f"{path}/outcome", json={"outcome": "yes"}, headers=owner)
    client.post(f"{path}/reviews", json={"verdict": "agree"}, headers=owner)
    with app.app_context():
        app.extensions["sealer"].seal_all()
    headers, config = cast["admin"].bearer, schemathesis.Config.from_dict({"checks": CHECKS})
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=config, headers=headers)
    yield SimpleNamespace(schema=schema, identifier=identifier, headers=headers)
    dispose(app)


def operations(schema):
    found = [one.ok() for one in schema.get_all_operations()]
    return sorted(found, key=lambda operation: operation.label == LAST)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_described(described, mode):
    def ask(case):
        if "identifier" in (case.path_parameters or {}) and mode is GenerationMode.POSITIVE:
            case.path_parameters["identifier"] = described.identifier
        case.call_and_validate(headers=described.headers)

    asked = 0
    for operation in operations(described.schema):
        try:
            for_cases(operation, mode, ask)
        except Unsatisfiable:  # It takes nothing that could be wrong.
            continue
        asked += 1
    assert asked > 20


def test_every_call_succeeds_as_it_is_described(described):
    """A call that is only ever refused would show nothing of its answer."""
    for operation in operations(described.schema):
        body, query = GOOD.get(operation.label, (None, {}))
        known = {"name": "churn", "number": 1, "identifier": described.identifier}
        known["path"] = PATHS.get(operation.label)
        names = [one["name"] for one in operation.definition.raw.get("parameters", ()) if one["in"] == "path"]  # fmt: skip
        case = operation.Case(
            path_parameters={name: known[name] for name in names}, query=query, headers=described.headers,
            **({} if body is None else {"body": body, "media_type": "application/json"}),
        )  # fmt: skip
        answer = case.call_and_validate(headers=described.headers, excluded_checks=[ignored_auth])
        assert answer.status_code in (200, 201), (operation.label, answer.text)


def test_every_row_that_fits_the_schema_is_answered(described, cast):
    seen = []

    def ask(case):
        for name in ("references", "subjects"):
            case.body.pop(name, None)
        case.headers.pop("Idempotency-Key", None)
        answer = case.call(headers=cast["owner"].bearer)
        assert answer.status_code == 201, answer.text
        seen.append(answer)

    own = described.schema["/api/v1/models/churn/predictions"]["POST"]
    for_cases(own, GenerationMode.POSITIVE, ask)
    assert seen


def for_cases(operation, mode, work):
    @settings(
        max_examples=10, deadline=None, database=None, derandomize=True,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def worked(case):
        work(case)

    worked()
