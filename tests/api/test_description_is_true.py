"""What the description says is what happens: Schemathesis asks everything in it, rightly and wrongly."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.support.cast import GOOD_ROW

#: What a schema cannot say (as many references as rows, integers that are exact) is refused all the same.
CHECKS = {"positive_data_acceptance": {"enabled": False}}
OWN = "POST /api/v1/models/churn/predictions"


@pytest.fixture
def schema(fresh_app, cast):
    """The description that the admin gets, where there is something to be found."""
    client, owner = fresh_app.test_client(), cast["owner"].bearer
    body = {"inputs": [GOOD_ROW], "references": ["r"]}
    made = client.post("/api/v1/models/churn/predictions", json=body, headers=owner).json
    identifier = made["predictions"][0]["id"]
    path = f"/api/v1/predictions/{identifier}"
    client.post(f"{path}/outcome", json={"outcome": "yes"}, headers=owner)
    client.post(f"{path}/reviews", json={"verdict": "agree"}, headers=owner)
    with fresh_app.app_context():
        fresh_app.extensions["sealer"].seal_all()
    config = schemathesis.Config.from_dict(
        {"parameters": {"path.identifier": identifier}, "checks": CHECKS}
    )
    headers = cast["admin"].bearer
    return schemathesis.openapi.from_wsgi(
        "/openapi.json", fresh_app, config=config, headers=headers
    )


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_described(schema, cast, mode):
    def ask(case):
        case.call_and_validate(headers=cast["admin"].bearer)

    asked = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        try:
            for_cases(operation, mode, ask)
        except Unsatisfiable:  # It takes nothing that could be wrong.
            continue
        asked.add(operation.label)
    assert OWN in asked
    assert len(asked) > (35 if mode is GenerationMode.POSITIVE else 20)


def test_every_row_that_fits_the_schema_is_answered(schema, cast):
    seen = []

    def ask(case):
        for name in ("references", "subjects"):
            case.body.pop(name, None)
        case.headers.pop("Idempotency-Key", None)
        answer = case.call(headers=cast["owner"].bearer)
        assert answer.status_code == 201, answer.text
        seen.append(answer)

    for_cases(schema["/api/v1/models/churn/predictions"]["POST"], GenerationMode.POSITIVE, ask)
    assert seen


def for_cases(operation, mode, work):
    @settings(
        max_examples=15, deadline=None, database=None, derandomize=True,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def worked(case):
        work(case)

    worked()
