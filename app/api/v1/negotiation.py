"""What the API reads and writes: JSON."""

from flask import request

from app.services.errors import NotAcceptableError, WrongMediaTypeError

JSON = "application/json"
PROBLEM = "application/problem+json"


def refuse_other_types() -> None:
    """Refuse callers that accept no JSON.

    Raises:
        NotAcceptableError: if the Accept header excludes JSON.
    """
    accepted = request.accept_mimetypes
    if accepted and not (accepted[JSON] or accepted[PROBLEM]):
        raise NotAcceptableError("This API answers in JSON: accept application/json.")


def media_type_fault() -> WrongMediaTypeError | None:
    """Return what is wrong with the type of the body, None if it is JSON in UTF-8."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype == JSON and charset in ("utf-8", "utf8"):
        return None
    return WrongMediaTypeError("Send Content-Type: application/json, in UTF-8.")
