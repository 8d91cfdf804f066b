"""Predictions: asked for, listed, read."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response, current_app, g, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from app import access
from app.answers import json_answer
from app.api.v1.blueprint import blueprint
from app.api.v1.negotiation import acceptance_fault, media_type_fault
from app.bodies import has_unknown_length
from app.filters import read_cursor, read_filter, read_limit
from app.models import Channel, Scope
from app.recorder import Record, Target
from app.services import history
from app.services.errors import BodyTooLargeError, LengthRequiredError, NotReadableBodyError
from app.services.predictions import Predictions, begin_attempt
from app.services.submissions import JSONSubmission, Submission, UnreadSubmission
from config import Settings


@blueprint.post("/models/<name>/predictions")
@blueprint.post("/models/<name>/versions/<int:number>/predictions")
@access.signed_in
def create_predictions(name: str, number: int | None = None) -> Response:
    """Answer one row or many; the answer leaves when it is recorded.

    The service asks for the scope, so that a refusal is recorded like every other.
    """
    attempt = begin_attempt(g.caller, Channel.API, g.request_id)
    service: Predictions = current_app.extensions["predictions"]
    submission = _read_submission()
    if fault := acceptance_fault() or media_type_fault():
        service.refuse(attempt, submission, fault)
    target, records = service.predict(attempt, g.caller, submission, model=name, number=number)
    return json_answer(_answered(attempt.request_id, target, records), 201)


@blueprint.get("/predictions")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def list_predictions() -> Response:
    """List the records that the caller may see, the newest first."""
    page = history.find_predictions(
        g.caller,
        read_filter(request.args),
        limit=read_limit(request.args),
        before=read_cursor(request.args),
    )
    data = [history.as_document(record) for record in page.records]
    return json_answer({"data": data, "next": page.next})


@blueprint.get("/predictions/<uuid:identifier>")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def show_prediction(identifier: UUID) -> Response:
    """Show a whole record."""
    return json_answer(history.as_document(history.get_prediction(g.caller, identifier)))


def _read_submission() -> Submission:
    settings: Settings = current_app.extensions["settings"]
    length = request.content_length
    if has_unknown_length():
        return UnreadSubmission(None, LengthRequiredError("Send Content-Length."))
    try:
        return JSONSubmission(request.get_data(cache=False), settings.max_rows)
    except RequestEntityTooLarge:
        limit = f"The body may have {settings.max_body_bytes:,} bytes."
        return UnreadSubmission(length, BodyTooLargeError(limit))
    except ClientDisconnected:
        short = "The body ended before its declared length."
        return UnreadSubmission(length, NotReadableBodyError(short))


def _answered(request_id: UUID, target: Target, records: Sequence[Record]) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "model": {"name": target.model, "version": target.number},
        "predictions": [
            {
                "id": record.facts.id,
                "output": record.output,
                "leaf_hash": record.leaf_hash.hex(),
            }
            for record in records
        ],
    }
