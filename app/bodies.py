"""Bodies of requests: read whole or not at all.

Servers say that a body has ended both when it was complete and when the client went away. Only a
declared length tells the two apart, so a body without one is refused (RFC 9110 section 15.5.12).
"""

from collections.abc import Callable

from flask import Request, abort, current_app
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from app.application import Application, Notes, is_for_programs
from app.services.errors import (
    BodyTooLargeError,
    LengthRequiredError,
    NotReadableBodyError,
)
from app.services.submissions import Submission, UnreadSubmission
from config import Settings


def init_app(app: Application) -> None:
    """Check the body before anything reads it."""
    app.before_every_request(_check_body)


def has_unknown_length(request: Request) -> bool:
    """Whether there is a body whose end cannot be told from its interruption."""
    return request.content_length is None and "Transfer-Encoding" in request.headers


def _check_body(request: Request, _: Notes) -> None:
    # Servers set this to say that reading ends by itself; without it, the declared length is checked.
    if request.content_length is not None:
        request.environ.pop("wsgi.input_terminated", None)
    if is_for_programs(request.path):
        return  # The API refuses in its own words, and records it.
    if has_unknown_length(request):
        abort(411)
    if request.is_json:
        abort(415)


def submission_of(request: Request, understand: Callable[[bytes], Submission]) -> Submission:
    """Return what a program sent; what cannot be read whole is refused where it is recorded.

    Args:
        request: the request.
        understand: makes a submission of the body.
    """
    length = request.content_length
    if has_unknown_length(request):
        return UnreadSubmission(None, LengthRequiredError("Send Content-Length."))
    try:
        return understand(request.get_data(cache=False))
    except RequestEntityTooLarge:
        settings: Settings = current_app.extensions["settings"]
        limit = f"The body may have {settings.max_body_bytes:,} bytes."
        return UnreadSubmission(length, BodyTooLargeError(limit))
    except ClientDisconnected:
        short = "The body ended before its declared length."
        return UnreadSubmission(length, NotReadableBodyError(short))
