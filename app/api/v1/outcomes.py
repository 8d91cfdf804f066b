"""Outcomes: what turned out to be true of predictions, one or many."""

from typing import Any
from uuid import UUID

from flask import Response, g

from app import access
from app.answers import json_answer
from app.api.v1 import documents
from app.api.v1.blueprint import blueprint
from app.api.v1.negotiation import read_object
from app.describing import describe
from app.models import Scope
from app.services import reporting
from app.services.errors import invalid_at, invalid_input
from app.services.reporting import Fate, Report, Result

_NAMES = {"id", "reference", "outcome"}


@blueprint.post("/predictions/<uuid:identifier>/outcome")
@access.requires(Scope.OUTCOME)
@describe(
    body=documents.OutcomeReport,
    answers={200: documents.RecordedOutcome, 201: documents.RecordedOutcome},
    refusals=(409,),
)
def report_outcome(identifier: UUID) -> Response:
    """Record what turned out to be true of a prediction: `{"outcome": …}`; 200 if that is known already."""
    document = read_object({"outcome"})
    if "outcome" not in document:
        raise invalid_input("outcome", "This field is required.")
    result = reporting.report_outcome(g.caller, identifier, document["outcome"])
    return json_answer(_shown(result), 201 if result.fate is Fate.RECORDED else 200)


@blueprint.post("/outcomes")
@access.requires(Scope.OUTCOME)
@describe(body=documents.OutcomeReports, answers={200: documents.OutcomeResults})
def report_outcomes() -> Response:
    """Record many outcomes: `{"outcomes": [{"id" or "reference": …, "outcome": …}, …]}`; tells what became of each."""
    given = read_object({"outcomes"}).get("outcomes")
    if not isinstance(given, list) or len(given) > reporting.MOST_AT_ONCE:
        raise invalid_input("outcomes", f"Send a list of at most {reporting.MOST_AT_ONCE:,}.")
    results = reporting.report_outcomes(
        g.caller, [_report(one, at) for at, one in enumerate(given)]
    )
    counts = {str(fate): sum(result.fate is fate for result in results) for fate in Fate}
    return json_answer(counts | {"results": [_shown(result) for result in results]})


def _report(given: Any, at: int) -> Report:
    is_good = isinstance(given, dict) and given.keys() <= _NAMES and "outcome" in given
    if not is_good or not all(isinstance(given.get(n, ""), str) for n in ("id", "reference")):
        why = "Send an object with outcome, and id or reference as text."
        raise invalid_at("outcomes", at, why=why)
    return Report(value=given["outcome"], id=given.get("id"), reference=given.get("reference"))


def _shown(result: Result) -> dict[str, Any]:
    if result.outcome is None:
        return {"fate": result.fate, "why": result.why}
    outcome = result.outcome
    return {
        "fate": result.fate, "id": outcome.id, "prediction_id": outcome.prediction_id,
        "outcome": outcome.value, "at": outcome.at,
    }  # fmt: skip
