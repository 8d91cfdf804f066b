"""Calls from pages of other origins (https://fetch.spec.whatwg.org/#http-cors-protocol).

Browsers let no page read what another origin answered unless that says so: nothing here does, but for the origins
that the operator lists. Only programs' addresses are opened: they take a token, and never a cookie.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask

from app.application import is_for_programs

_ASKS = "HTTP_ACCESS_CONTROL_REQUEST_METHOD"
_MAY = [
    ("Access-Control-Allow-Methods", "GET, POST"),
    (
        "Access-Control-Allow-Headers",
        "Authorization, Content-Type, Idempotency-Key, Inference-Header-Content-Length, X-Request-Id",
    ),
    ("Access-Control-Max-Age", "600"),
]
_READABLE = (
    "Access-Control-Expose-Headers",
    "Daybook-Prediction-Id, Idempotent-Replayed, Inference-Header-Content-Length, Retry-After, X-Request-Id",
)


def init_app(app: Flask, origins: Iterable[str]) -> None:
    """Let pages of these origins call what programs call; without any, nothing is added to a request."""
    allowed = frozenset(origins)
    if not allowed:
        return
    inner = app.wsgi_app

    def with_origins(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        if not is_for_programs(environ.get("PATH_INFO", "")):
            return inner(environ, start_response)
        is_allowed = origin in allowed
        more = [("Vary", "Origin")]
        if is_allowed:
            more += [("Access-Control-Allow-Origin", str(origin)), _READABLE]
        if is_allowed and environ["REQUEST_METHOD"] == "OPTIONS" and _ASKS in environ:
            status = HTTPStatus.NO_CONTENT
            start_response(f"{status.value} {status.phrase}", [*more, *_MAY])
            return []

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, headers + more, *error)

        return inner(environ, start)

    app.wsgi_app = with_origins  # type: ignore[method-assign]
