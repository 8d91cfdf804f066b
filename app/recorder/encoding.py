"""Canonical bytes, fast: by orjson where that writes what RFC 8785 wants, by the slow encoder elsewhere.

orjson writes the same shortest digits, but whole doubles with a point, and from 1e-6 to 1e-5 and from 1e16 on exponents
where ECMAScript writes none; it orders keys by code points instead of UTF-16 units. What could differ goes the slow way.
"""

from collections.abc import Callable
from typing import Any

import orjson

from app.ledger import canonical
from app.ledger.strict_json import MAX_SAFE_INTEGER

#: Between these, both write doubles without an exponent; below `_TINY` both write one.
_SMALLEST, _LARGEST, _TINY = 1e-5, 1e15, 1e-6


class _DoubtfulError(Exception):
    """The two encoders might differ."""


def encode(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value, as `app.ledger.canonical.encode` does.

    Raises:
        CanonicalFormError: if the value is outside the profile.
    """
    try:
        return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)
    except (_DoubtfulError, TypeError, RecursionError):
        return canonical.encode(value)


def _plain(value: Any) -> Any:
    """Return the value with whole doubles as integers, and numbers as written where the two differ.

    Raises:
        _DoubtfulError: if orjson might write something else than the canonical form.
    """
    return _PLAINLY.get(type(value), _doubt)(value)


def _doubt(_: Any) -> Any:
    raise _DoubtfulError


def _plain_number(number: float) -> Any:
    size = abs(number)
    if _SMALLEST <= size <= _LARGEST:
        return int(number) if number.is_integer() else number
    return number if 0 < size < _TINY else orjson.Fragment(canonical.number(number).encode())


def _plain_integer(integer: int) -> int:
    if not -MAX_SAFE_INTEGER <= integer <= MAX_SAFE_INTEGER:
        raise _DoubtfulError
    return integer


def _plain_text(text: str) -> str:
    if "\x00" in text:
        raise _DoubtfulError
    return text


def _plain_members(members: dict[Any, Any]) -> dict[str, Any]:
    if not _are_plain(tuple(members)):
        raise _DoubtfulError
    plain = {}
    for name, value in members.items():  # Most are of these kinds, so without a call.
        kind = type(value)
        if kind is float and _SMALLEST <= value <= _LARGEST:
            plain[name] = int(value) if value.is_integer() else value
        elif kind is dict:
            plain[name] = _plain_members(value)
        else:
            plain[name] = _PLAINLY.get(kind, _doubt)(value)
    return plain


def _are_plain(names: tuple[Any, ...]) -> bool:
    """Whether members of these names have the same order by code points and by UTF-16 units."""
    if names in _known:
        return True
    plain = all(type(name) is str and name.isascii() and "\x00" not in name for name in names)
    if plain and len(names) <= _MOST_NAMES and sum(map(len, names)) <= _MOST_CHARACTERS:
        if len(_known) == _MOST_KNOWN:
            _known.clear()
        _known.add(names)
    return plain


#: The names of rows that were plain; those of models come again and again, what else is sent must not stay for long.
_known: set[tuple[str, ...]] = set()
_MOST_KNOWN, _MOST_NAMES, _MOST_CHARACTERS = 256, 1_000, 20_000
_PLAINLY: dict[type, Callable[[Any], Any]] = {
    float: _plain_number,
    int: _plain_integer,
    str: _plain_text,
    bool: bool,
    type(None): lambda nothing: nothing,
    dict: _plain_members,
    list: lambda items: [_plain(item) for item in items],
}
