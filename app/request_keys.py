"""The Idempotency-Key of a request (IETF draft-ietf-httpapi-idempotency-key-header)."""

import re
from typing import Annotated

from pydantic import Field

from app.application import Call
from app.services.errors import NotReadableBodyError

#: The shape of a key, for descriptions.
IdempotencyKey = Annotated[
    str,
    Field(
        pattern="^[ -~]{1,255}$",
        description="Your own name of this request: the same request under it is answered the same, and recorded once.",
    ),
]
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def idempotency_key(call: Call) -> str | None:
    """Return the caller's key for this request, None if it has none; with or without the draft's quotes."""
    given = call.environ.get("HTTP_IDEMPOTENCY_KEY")
    return given if given is None else _unquoted(given.strip())


def key_fault(key: str | None) -> NotReadableBodyError | None:
    """Return what is wrong with the idempotency key, None if it is one or there is none."""
    if key is None or _KEY.fullmatch(key):
        return None
    return NotReadableBodyError("An Idempotency-Key has 1 to 255 printable ASCII characters.")


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
