"""What the API reads and writes: JSON; and the headers that say how."""

from typing import Any

from flask import current_app

from app.application import Call, Notes, this_call
from app.bodies import read_body
from app.decoding import parse
from app.describing import JSON, PROBLEM, description_of
from app.ledger.strict_json import StrictJSONError
from app.services.errors import (
    NotAcceptableError,
    NotReadableBodyError,
    WrongMediaTypeError,
    invalid_input,
)

_API = "api_v1"
#: Asking for predictions, where refusals are records: the view refuses by itself.
_RECORDED = "api_v1.create_predictions"


def refuse_other_types(call: Call, _: Notes) -> None:
    """Refuse callers of the API that accept neither JSON nor what else the route answers.

    Raises:
        NotAcceptableError: if the Accept header excludes both.
    """
    if call.endpoint == _RECORDED or call.blueprint != _API:
        return
    if (fault := acceptance_fault(call)) and not _accepts_another_answer(call):
        raise fault


def _accepts_another_answer(call: Call) -> bool:
    """Whether the route has answers that are no JSON, and the Accept header lets one of them through."""
    described = description_of(current_app.view_functions.get(str(call.endpoint)))
    answers = described.answers.values() if described else ()
    return any(call.accept_mimetypes[kind] for content in answers for kind in content)


def acceptance_fault(call: Call) -> NotAcceptableError | None:
    """Return what is wrong with the Accept header, None if it lets JSON through."""
    if call.environ.get("HTTP_ACCEPT", "*/*") in ("*/*", JSON):
        return None
    accepted = call.accept_mimetypes
    if not accepted or accepted[JSON] or accepted[PROBLEM]:
        return None
    return NotAcceptableError("This API answers in JSON: accept application/json.")


def media_type_fault(call: Call) -> WrongMediaTypeError | None:
    """Return what is wrong with the type of the body, None if it is JSON in UTF-8."""
    if call.environ.get("CONTENT_TYPE") == JSON:
        return None
    charset = call.mimetype_params.get("charset", "utf-8").lower()
    if call.mimetype == JSON and charset in ("utf-8", "utf8"):
        return None
    return WrongMediaTypeError("Send Content-Type: application/json, in UTF-8.")


def read_object(members: set[str]) -> dict[str, Any]:
    """Return the JSON object that the body is.

    Args:
        members: the names that it may have.

    Raises:
        ServiceError: if it is none, or has other members.
    """
    call, _ = this_call()
    if fault := media_type_fault(call):
        raise fault
    try:
        document = parse(read_body(call, current_app.extensions["settings"].max_body_bytes))
    except StrictJSONError as error:
        raise NotReadableBodyError(str(error)) from None
    if not isinstance(document, dict):
        raise NotReadableBodyError("Send a JSON object.")
    for name in document.keys() - members:
        raise invalid_input(name, "There is no such field.")
    return document
