"""Turns errors into answers: pages for people, problem documents (RFC 9457) for programs."""

from typing import Any
from uuid import UUID

import structlog
from flask import Flask, Response, g, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as AnyResponse

from app.access import Caller
from app.answers import problem_answer
from app.application import this_call
from app.database.errors import is_database_away
from app.error_shapes import shape_of
from app.services import errors as domain
from app.tracebacks import place_of

log = structlog.get_logger(__name__)

STATUS_OF: dict[type[domain.ServiceError], int] = {
    domain.NotReadableBodyError: 400,
    domain.InvalidQueryError: 400,
    domain.NotSignedInError: 401,
    domain.NotAllowedError: 403,
    domain.UnknownThingError: 404,
    domain.NotSealedError: 404,
    domain.DamagedBookError: 500,
    domain.HeldError: 409,
    domain.NotAcceptableError: 406,
    domain.ConflictError: 409,
    domain.LengthRequiredError: 411,
    domain.BodyTooLargeError: 413,
    domain.WrongMediaTypeError: 415,
    domain.InvalidInputsError: 422,
    domain.PredictionFailedError: 500,
    domain.UnexpectedError: 500,
    domain.KeyInFlightError: 409,
    domain.KeyReusedError: 422,
    domain.UnavailableError: 503,
    domain.OverloadedError: 503,
    domain.DatabaseAwayError: 503,
    domain.UnconfirmedError: 503,
}

#: Says that an answer was given before, under the same idempotency key.
REPLAYED = "Idempotent-Replayed"
_WAIT = domain.KeyInFlightError("").problem()["type"]

_RETRY_SECONDS = 2
_FOR_PEOPLE = {
    400: "The request could not be understood. Go back, load the page again, and try once more.",
    403: "You may not see this page. If you need it, ask an administrator.",
    404: "There is nothing at this address, or it is not yours to see.",
    405: "This address does not answer that kind of request.",
    409: "This does not fit what is there now.",
    411: "The length of what was sent must be declared.",
    413: "That was too much to send at once.",
    415: "This page reads forms only.",
    429: "Too many attempts. Wait a while, then try again.",
    500: "Something went wrong here. It has been logged; try again, or tell your administrator.",
    503: "The service cannot answer at this moment. Nothing was lost; try again shortly.",
}


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(domain.ServiceError, answer_service_error)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(Exception, answer_unexpected_error)


def for_programs() -> bool:
    """Whether this request is a program's."""
    return this_call()[0].is_by_program


def answer_service_error(error: domain.ServiceError) -> AnyResponse:
    """Answer what a service refused."""
    if isinstance(error, domain.NotSignedInError) and not for_programs():
        return redirect(url_for("security.login", next=_here()))
    if isinstance(error, domain.StoredError):
        g.request_id = str(error.request_id)
        response = _answer(STATUS_OF[error.kind], error.problem(), record_id=error.record_id)
        response.headers[REPLAYED] = "true"
        return response
    return _answer(STATUS_OF[type(error)], error.problem(), record_id=error.record_id)


def answer_http_error(error: HTTPException) -> AnyResponse:
    """Answer what Flask or a view aborted with; its headers, such as Allow, are kept."""
    if error.code is None or error.code < 400:
        return error.get_response()
    title = HTTP_STATUS_CODES.get(error.code, "Error")
    detail = "The form has expired; load it again." if isinstance(error, CSRFError) else (
        _FOR_PEOPLE.get(error.code, title))  # fmt: skip
    response = _answer(error.code, {"type": "about:blank", "title": title, "detail": detail})
    for name, value in error.get_headers(request.environ):
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def answer_unexpected_error(error: Exception) -> AnyResponse:
    """Answer everything else: 503 if the database is away, 500 and a log entry if it is our fault."""
    if is_database_away(error):
        log.error("database away", why=type(error).__name__)
        return _answer(503, domain.UnavailableError(_FOR_PEOPLE[503]).problem())
    # The message may quote inputs, which are personal data: the log gets the place, not the words.
    log.error("unexpected error", kind=type(error).__name__, where=place_of(error))
    return _answer(500, {"type": "about:blank", "title": "Internal Server Error",
                         "detail": _FOR_PEOPLE[500]})  # fmt: skip


def _answer(status: int, problem: dict[str, Any], record_id: UUID | None = None) -> Response:
    response = _problem(status, problem, record_id) if for_programs() else _page(status, problem)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="daybook"'
    if status in (429, 503) or problem["type"] == _WAIT:
        response.headers.setdefault("Retry-After", str(_RETRY_SECONDS))
    return response


def _problem(status: int, problem: dict[str, Any], record_id: UUID | None) -> Response:
    if (shape := shape_of(request.path)) is not None:
        return shape.answer(status, problem)
    document = problem | {"status": status, "request_id": g.get("request_id")}
    if record_id is not None:
        document["prediction_id"] = record_id
    return problem_answer(document, status)


def _page(status: int, problem: dict[str, Any]) -> Response:
    caller: Caller | None = g.get("caller")
    page = render_template(
        "error.html",
        status=status,
        title=problem["title"],
        detail=problem["detail"],
        home=caller is not None,
    )
    return Response(page, status)


def _here() -> str | None:
    """Where to return after signing in: only pages can be returned to."""
    return request.full_path.rstrip("?") if request.method == "GET" else None
