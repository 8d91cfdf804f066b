"""Values as they are written in a query, read as the kind of field wants them.

Times are spans: a day is everything from its first to before its last moment, so that `at:2026-11-20` is a
whole day and `at:>2026-11-20` what comes after it. Records have their time to the millisecond.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from app.query.fields import Field, suggestion

_FIRST_YEAR, _LAST_YEAR = 1971, 8999
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MONTH = re.compile(r"\d{4}-\d\d", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


class ValueFaultError(ValueError):
    """A value is not one that the field can have; the message says what is."""


@dataclass(frozen=True)
class Span:
    """A stretch of time: from `start` to before `end`, both aware."""

    start: datetime
    end: datetime


def read_number(field: Field, text: str) -> float:
    """Return a finite number."""
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    raise ValueFaultError(f"{field.name} is a number: write one such as 0.5.")


def read_boolean(field: Field, text: str) -> bool:
    """Return true or false."""
    if (found := _BOOLEANS.get(text.casefold())) is None:
        raise ValueFaultError(f"{field.name} is true or false.")
    return found


def read_choice(field: Field, text: str) -> str:
    """Return one of the choices, also if it is written in other case."""
    if text in field.choices:
        return text
    alike = [choice for choice in field.choices if choice.casefold() == text.casefold()]
    if len(alike) == 1:
        return alike[0]
    near = suggestion(text, field.choices)
    raise ValueFaultError(f"{field.name} is never {text}.{near or _choices(field)}")


def read_date(field: Field, text: str) -> date:
    """Return a day."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueFaultError(f"{field.name} is a date: write it as YYYY-MM-DD.")


def read_identifier(field: Field, text: str) -> UUID:
    """Return an identifier."""
    try:
        return UUID(text)
    except ValueError:
        raise ValueFaultError(
            f"{field.name} is an identifier of 32 hexadecimal digits with hyphens."
        ) from None


def read_span(field: Field, text: str) -> Span:
    """Return the month, day, minute, second or moment that is written; without an offset it is UTC."""
    try:
        span = _span(text)
    except (ValueError, OverflowError):
        span = None
    if span is None or not _FIRST_YEAR <= span.start.year <= _LAST_YEAR:
        raise ValueFaultError(
            f"{field.name} is a time: write 2026-11, 2026-11-20 or 2026-11-20T09:30Z."
        )
    return span


def _span(text: str) -> Span | None:
    if _MONTH.fullmatch(text):
        start = datetime.fromisoformat(f"{text}-01").replace(tzinfo=UTC)
        return Span(start, (start + timedelta(days=31)).replace(day=1))
    if _DAY.fullmatch(text):
        start = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return Span(start, start + timedelta(days=1))
    if found := _TIME.fullmatch(text):
        start = datetime.fromisoformat(text)
        start = start.astimezone(UTC) if start.tzinfo else start.replace(tzinfo=UTC)
        start = start.replace(microsecond=start.microsecond // 1000 * 1000)
        return Span(start, start + _length(found))
    return None


def _length(found: re.Match[str]) -> timedelta:
    """Return how long a time lasts: as long as its last digit says, a millisecond at least."""
    seconds, fraction = found[1], found[2]
    if fraction:
        return timedelta(microseconds=max(10 ** (7 - len(fraction)), 1000))
    return timedelta(seconds=1) if seconds else timedelta(minutes=1)


def _choices(field: Field) -> str:
    shown = ", ".join(field.choices[:10])
    return f" It is one of: {shown}." if len(field.choices) <= 10 else f" It is one of: {shown}, …"
