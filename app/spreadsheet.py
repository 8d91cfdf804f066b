"""CSV that loses nothing and starts no formula (RFC 4180; OWASP, "CSV Injection").

A missing value is an empty cell. A text stands between quotation marks, numbers and booleans do not. Programs
for tables take a text with a certain beginning for a formula: it gets an apostrophe before it, and so does a
text that begins with one, so that whoever takes one apostrophe away has every text as it was.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.ledger import canonical
from app.ledger.envelope import timestamp

_RISKY = ("'", "=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def line(cells: Sequence[Any]) -> bytes:
    """Return a line of the table, with its end."""
    return (",".join(map(_cell, cells)) + "\r\n").encode()


def as_it_was(text: str) -> str:
    """Return the text that a cell was made of."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_RISKY) else text


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return canonical.number(value)
        case datetime():
            return timestamp(value)
        case UUID():
            return str(value)
        case str():
            return _quoted(f"'{value}" if value.startswith(_RISKY) else value)
    return _quoted(canonical.encode(value).decode())


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
