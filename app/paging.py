"""Reads which records of the history are asked for, and which page; page and API share it."""

from collections.abc import Callable, Mapping
from typing import TypeVar
from uuid import UUID

from app.services.errors import invalid_query
from app.services.history import LONGEST_PAGE, PAGE

T = TypeVar("T")
_PARAMETERS = {"q", "limit", "cursor"}


def read_query_text(given: Mapping[str, str]) -> str:
    """Return the query.

    Raises:
        InvalidQueryError: if there is a parameter that is none: to leave it out would find too much.
    """
    for name in given.keys() - _PARAMETERS:
        raise invalid_query(
            name, "There is no such parameter: the query is in q, such as q=status:refused."
        )
    return given.get("q", "")


def read_limit(given: Mapping[str, str]) -> int:
    """Return how many records a page shall have.

    Raises:
        InvalidQueryError: if it is no number from 1 to `LONGEST_PAGE`.
    """
    message = f"Write a whole number from 1 to {LONGEST_PAGE}."
    limit = _read(given, "limit", _whole, message)
    if limit is None:
        return PAGE
    if not 1 <= limit <= LONGEST_PAGE:
        raise invalid_query("limit", message)
    return limit


def read_cursor(given: Mapping[str, str]) -> UUID | None:
    """Return the cursor of a page.

    Raises:
        InvalidQueryError: if it is none.
    """
    return _read(given, "cursor", UUID, "Use the cursor that the page before gave.")


def _read(
    given: Mapping[str, str], name: str, convert: Callable[[str], T], message: str
) -> T | None:
    if not (text := given.get(name, "").strip()):
        return None
    try:
        return convert(text)
    except (ValueError, OverflowError):
        raise invalid_query(name, message) from None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise ValueError("no whole number")
    return int(text)
