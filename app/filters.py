"""Reads the filter of the history from a query string; page and API share it."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from app.models import Status
from app.services.errors import invalid_query
from app.services.history import LONGEST_PAGE, PAGE, Filter

T = TypeVar("T")


def read_filter(given: Mapping[str, str]) -> Filter:
    """Return the filter that `model`, `version`, `status`, `caller`, `since` and `until` describe.

    Raises:
        InvalidQueryError: if one cannot be understood; it says which.
    """
    return Filter(
        model=_read(given, "model", _words, _WORDS),
        version=_read(given, "version", _whole, "Write a version as a whole number."),
        status=_read(given, "status", Status, f"Choose one of: {', '.join(Status)}."),
        caller=_read(given, "caller", _words, _WORDS),
        since=_read(given, "since", _moment, _MOMENT),
        until=_read(given, "until", _end, _MOMENT),
    )


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


_WORDS = "Write printable characters."
_MOMENT = "Write a date, or a time such as 2026-11-20T09:30:00Z; without an offset it is UTC."


def _read(
    given: Mapping[str, str], name: str, convert: Callable[[str], T], message: str
) -> T | None:
    if not (text := given.get(name, "").strip()):
        return None
    try:
        return convert(text)
    except (ValueError, OverflowError):
        raise invalid_query(name, message) from None


def _words(text: str) -> str:
    if not text.isprintable():
        raise ValueError("not printable")
    return text


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise ValueError("no whole number")
    return int(text)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not 1970 < moment.year < 9000:
        raise ValueError("outside the range of identifiers")
    return moment


def _end(text: str) -> datetime:
    """A date as an end means the end of that day."""
    moment = _moment(text)
    return moment + timedelta(days=1) if re.fullmatch(r"[\d-]+", text) else moment
