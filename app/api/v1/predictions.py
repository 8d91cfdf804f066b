"""Predictions: asked for, listed, read."""

from typing import Literal
from uuid import UUID

import orjson
from flask import Response, g, request

from app import access
from app.answers import json_answer
from app.api.v1 import documents
from app.api.v1.blueprint import blueprint
from app.api.v1.negotiation import acceptance_fault, media_type_fault
from app.application import Call
from app.asking import ask
from app.describing import describe
from app.errors import REPLAYED
from app.models import Channel, Scope
from app.paging import read_cursor, read_limit, read_query_text
from app.request_keys import IdempotencyKey
from app.services import history, readings, search
from app.services.answers import Answer
from app.services.errors import ServiceError
from app.services.submissions import JSONSubmission


@blueprint.post("/models/<name>/predictions")
@blueprint.post("/models/<name>/versions/<int:number>/predictions")
@access.rechecked
@describe(
    body=documents.PredictionRequest, answers={201: documents.PredictionAnswer}, refusals=(409, 500),
    headers={"Idempotency-Key": IdempotencyKey}, answer_headers={REPLAYED: Literal["true"]},
)  # fmt: skip
def create_predictions(name: str, number: int | None = None) -> Response:
    """Answer one row or many; the answer leaves when it is recorded.

    The service asks for the scope, so that a refusal is recorded like every other.
    """
    return ask(JSONSubmission, _answered, Channel.API, name, number, refuse=_fault)


@blueprint.get("/predictions")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
@describe(answers={200: documents.RecordPage}, query=documents.PAGE_PARAMETERS)
def list_predictions() -> Response:
    """List the records that the caller may see and that fit the query, the newest first."""
    page = history.find_predictions(
        g.caller,
        search.read_query(g.caller, read_query_text(request.args)),
        limit=read_limit(request.args),
        before=read_cursor(request.args),
    )
    data = list(history.as_documents(g.caller, page.records))
    readings.note_page(g.caller, page.records)
    return json_answer({"data": data, "next": page.next})


@blueprint.get("/predictions/<uuid:identifier>")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
@describe(answers={200: documents.RecordDocument})
def show_prediction(identifier: UUID) -> Response:
    """Show a whole record."""
    (document,) = history.as_documents(g.caller, [readings.read_prediction(g.caller, identifier)])
    return json_answer(document)


def _fault(call: Call) -> ServiceError | None:
    return acceptance_fault(call) or media_type_fault(call)


def _answered(answer: Answer) -> Response:
    """Return the answer; of the outputs the very bytes that are stored."""
    document = {
        "request_id": answer.request_id,
        "model": {"name": answer.model, "version": answer.version},
        "predictions": [
            {
                "id": row.id,
                "output": orjson.Fragment(row.output),
                "leaf_hash": row.leaf_hash.hex(),
            }
            for row in answer.rows
        ],
    }
    response = json_answer(document, 201)
    if answer.replayed:
        response.headers[REPLAYED] = "true"
    return response
