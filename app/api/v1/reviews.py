"""Reviews: what people think of answers."""

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
from app.services import reviews
from app.services.errors import invalid_input
from app.services.reviewing import Draft, review_prediction

_TEXTS = ("verdict", "reason", "note")


@blueprint.post("/predictions/<uuid:identifier>/reviews")
@access.requires(Scope.REVIEW)
@describe(body=documents.ReviewDraft, answers={201: documents.ReviewDocument}, refusals=(409,))
def review(identifier: UUID) -> Response:
    """Record a review: `{"verdict": …, "correction"?: …, "reason"?: …, "note"?: …, "is_outcome"?: …}`."""
    draft = _draft(read_object({*_TEXTS, "correction", "is_outcome"}))
    return json_answer(reviews.as_document(review_prediction(g.caller, identifier, draft)), 201)


def _draft(document: dict[str, Any]) -> Draft:
    for name in _TEXTS:
        if not isinstance(document.get(name, ""), str):
            raise invalid_input(name, "Write text.")
    if not isinstance(is_outcome := document.get("is_outcome", False), bool):
        raise invalid_input("is_outcome", "Write true or false.")
    return Draft(
        verdict=document.get("verdict", ""), correction=document.get("correction"),
        reason=document.get("reason", ""), note=document.get("note", ""), is_outcome=is_outcome,
    )  # fmt: skip
