"""Bodies of requests: read whole or not at all.

Servers say that a body has ended both when it was complete and when the client went away. Only a
declared length tells the two apart, so a body without one is refused (RFC 9110 section 15.5.12).
"""

from flask import abort

from app.application import Application, Call, Notes
from app.services.errors import (
    BodyTooLargeError,
    LengthRequiredError,
    NotReadableBodyError,
)

_LONGEST_LENGTH = 18


def init_app(app: Application) -> None:
    """Check the body of a page's request before anything reads it; programs' bodies are read by `read_body`."""
    app.before_every_request(_check_body)


def _check_body(call: Call, _: Notes) -> None:
    if call.is_by_program:
        return  # The API refuses in its own words, and records it.
    # Servers set this to say that reading ends by itself; without it, the declared length is checked.
    if call.content_length is not None:
        call.environ.pop("wsgi.input_terminated", None)
    elif "Transfer-Encoding" in call.headers:
        abort(411)
    if call.is_json:
        abort(415)


def declared_length(call: Call) -> int | None:
    """Return how many bytes the body of a request has, as it says; None if it does not say."""
    text: str = call.environ.get("CONTENT_LENGTH", "")
    if "HTTP_TRANSFER_ENCODING" in call.environ or not (text.isascii() and text.isdecimal()):
        return None
    return int(text.lstrip("0")[:_LONGEST_LENGTH] or "0")


def read_body(call: Call, most: int) -> bytes:
    """Return the body of a program's request; nothing, if it has none.

    Args:
        call: the request.
        most: how many bytes it may have.

    Raises:
        LengthRequiredError: if its length is not declared.
        BodyTooLargeError: if it is longer.
        NotReadableBodyError: if it ended before its declared length.
    """
    length = declared_length(call)
    if length is None:
        _refuse_undeclared(call)
        return b""
    if length > most:
        raise BodyTooLargeError(f"The body may have {most:,} bytes.")
    parts, missing = [], length
    while missing:
        part = _read_some(call, missing)
        if not part:
            raise NotReadableBodyError("The body ended before its declared length.")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _refuse_undeclared(call: Call) -> None:
    """Refuse a body without a length: HTTP/1.1 announces it, HTTP/2 begins it (RFC 9113 section 8.1)."""
    environ = call.environ
    if "HTTP_TRANSFER_ENCODING" in environ or (
        environ.get("wsgi.input_terminated") and _read_some(call, 1)
    ):
        raise LengthRequiredError("Send Content-Length.")


def _read_some(call: Call, most: int) -> bytes:
    """Return at most so many bytes; none at the end of the body, and where its client has gone."""
    try:
        return call.environ["wsgi.input"].read(most)  # type: ignore[no-any-return]
    except (OSError, ValueError):  # As servers say that it has.
        return b""
