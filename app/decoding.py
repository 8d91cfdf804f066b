"""Strict JSON, fast: by orjson where its result is known to be that of the strict parser, by that elsewhere.

orjson refuses what is no JSON, no UTF-8, or a number beyond the doubles, and keeps the last of two equal keys;
it does not know the profile's bounds. What it read is looked through; whatever is doubtful goes the slow way.
"""

from math import copysign
from typing import Any

import orjson

from app.ledger import strict_json
from app.ledger.strict_json import MAX_DEPTH, MAX_SAFE_INTEGER


class _DoubtfulError(Exception):
    """The two parsers might differ."""


def parse(body: bytes) -> Any:
    """Parse UTF-8 JSON, as `app.ledger.strict_json.parse` does.

    Raises:
        StrictJSONError: as there.
    """
    try:
        return _parse_plain(body)
    except (_DoubtfulError, orjson.JSONDecodeError):
        return strict_json.parse(body)


def _parse_plain(body: bytes) -> Any:
    """Parse JSON without escapes.

    Each key is followed by a colon. Where there are as many colons as members, no key was there twice; there
    may only be more of them (within a text).

    Raises:
        _DoubtfulError: if the strict parser might say something else.
    """
    if b"\\" in body:
        raise _DoubtfulError
    value = orjson.loads(body)
    if _members_in(value, 0) != body.count(b":"):
        raise _DoubtfulError
    return value


def _members_in(value: Any, depth: int) -> int:
    """Return how many members all objects within a value have."""
    kind = type(value)
    if kind is not dict and kind is not list:
        _check_number(value)
        return 0
    if depth == MAX_DEPTH:
        raise _DoubtfulError
    if kind is dict and _are_plain_numbers(value):
        return len(value)
    count = len(value) if kind is dict else 0
    for item in value.values() if kind is dict else value:
        kind = type(item)
        if kind is float or kind is int:
            if not item or not -MAX_SAFE_INTEGER <= item <= MAX_SAFE_INTEGER:
                _check_number(item)
        elif kind is dict or kind is list:
            count += _members_in(item, depth + 1)
    return count


def _are_plain_numbers(members: dict[str, Any]) -> bool:
    """Whether all are doubles above zero and within the bounds, as in most rows: looked at together."""
    values = members.values()
    return set(map(type, values)) == {float} and 0 < min(values) <= max(values) <= MAX_SAFE_INTEGER


def _check_number(number: Any) -> None:
    """Doubt -0.0, which the profile writes as 0, and whatever may have been an integer beyond its bounds."""
    if type(number) in (int, float) and (
        not -MAX_SAFE_INTEGER <= number <= MAX_SAFE_INTEGER
        or (number == 0 and copysign(1.0, number) < 0)
    ):
        raise _DoubtfulError
