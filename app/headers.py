"""Security headers on every answer, errors included."""

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

from flask import Flask

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = [
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
_ASSETS = "/static/"


def init_app(app: Flask) -> None:
    """Add the headers to every answer; only assets may be kept by browsers and proxies."""
    inner = app.wsgi_app
    added = {kind: _headers_of(*kind) for kind in product((False, True), repeat=2)}

    def with_headers(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        is_asset = environ.get("PATH_INFO", "").startswith(_ASSETS)
        names, more = added[environ["wsgi.url_scheme"] == "https", is_asset]

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            kept = [pair for pair in headers if pair[0] not in names]
            return start_response(status, kept + more, *error)

        return inner(environ, start)

    app.wsgi_app = with_headers  # type: ignore[method-assign]


def _headers_of(encrypted: bool, is_asset: bool) -> tuple[frozenset[str], list[tuple[str, str]]]:
    """Return the names and all of the headers for one kind of answer."""
    headers = list(_HEADERS)
    if encrypted:
        headers.append(("Strict-Transport-Security", "max-age=31536000"))
    if not is_asset:
        headers.append(("Cache-Control", "no-store"))
    return frozenset(name for name, _ in headers), headers
