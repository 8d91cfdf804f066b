"""Predictions: asked for, listed, read."""

from typing import Literal
from uuid import UUID

import orjson
from flask import Request, Response, current_app, g, request

from app import access
from app.access import Caller
from app.answers import json_answer
from app.api.v1 import documents
from app.api.v1.blueprint import blueprint
from app.api.v1.negotiation import (
    acceptance_fault,
    media_type_fault,
)
from app.bodies import submission_of
from app.describing import describe
from app.errors import REPLAYED
from app.models import Channel, Scope
from app.paging import read_cursor, read_limit, read_query_text
from app.request_keys import IdempotencyKey, idempotency_key, key_fault
from app.services import history, readings, search
from app.services.answers import Answer
from app.services.predictions import Ask, Predictions, begin_attempt
from app.services.submissions import JSONSubmission, Submission
from config import Settings


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
    this: Request = request._get_current_object()  # type: ignore[attr-defined]
    caller: Caller = g.caller
    service: Predictions = current_app.extensions["predictions"]
    key = idempotency_key(this)
    unusable = key_fault(key)
    ask = Ask(
        attempt=begin_attempt(caller, Channel.API, g.request_id, g.client_request_id),
        caller=caller,
        submission=submission_of(this, _understood),
        model=name,
        number=number,
        key=None if unusable else key,
    )
    fault = acceptance_fault(this) or media_type_fault(this) or unusable
    return _answered(service.refuse(ask, fault) if fault else service.predict(ask))


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


def _understood(body: bytes) -> Submission:
    settings: Settings = current_app.extensions["settings"]
    return JSONSubmission(body, settings.max_rows)


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
