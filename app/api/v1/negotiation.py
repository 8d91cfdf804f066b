"""What the API reads and writes: JSON."""

from flask import request

from app.services.errors import NotAcceptableError, WrongMediaTypeError

JSON = "application/json"
PROBLEM = "application/problem+json"
#: Asking for predictions, where refusals are records: the view refuses by itself.
_RECORDED = "api_v1.create_predictions"


def refuse_other_types() -> None:
    """Refuse callers that accept no JSON.

    Raises:
        NotAcceptableError: if the Accept header excludes JSON.
    """
    if request.endpoint != _RECORDED and (fault := acceptance_fault()):
        raise fault


def acceptance_fault() -> NotAcceptableError | None:
    """Return what is wrong with the Accept header, None if it lets JSON through."""
    accepted = request.accept_mimetypes
    if not accepted or accepted[JSON] or accepted[PROBLEM]:
        return None
    return NotAcceptableError("This API answers in JSON: accept application/json.")


def media_type_fault() -> WrongMediaTypeError | None:
    """Return what is wrong with the type of the body, None if it is JSON in UTF-8."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype == JSON and charset in ("utf-8", "utf8"):
        return None
    return WrongMediaTypeError("Send Content-Type: application/json, in UTF-8.")
