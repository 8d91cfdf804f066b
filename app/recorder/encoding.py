"""Canonical bytes, fast: by orjson where that writes what RFC 8785 wants, by the slow encoder elsewhere.

orjson writes the same shortest digits, but whole doubles with a point, and exponents where ECMAScript
writes none; it orders keys by code points instead of UTF-16 units. What could differ goes the slow way.
"""

from collections.abc import Callable
from typing import Any

import orjson

from app.ledger import canonical
from app.ledger.strict_json import MAX_SAFE_INTEGER

#: Between these, orjson writes doubles without an exponent, as ECMAScript does.
_SMALLEST, _LARGEST = 1e-4, 1e15


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
    """Return the value with whole doubles as integers, and numbers that need an exponent as written.

    Raises:
        _DoubtfulError: if orjson might write something else than the canonical form.
    """
    plainly = _PLAINLY.get(type(value))
    if plainly is None:
        raise _DoubtfulError
    return plainly(value)


def _plain_number(number: float) -> Any:
    if _SMALLEST <= number <= _LARGEST or _SMALLEST <= -number <= _LARGEST:
        whole = int(number)
        return whole if whole == number else number
    return orjson.Fragment(canonical.number(number).encode())


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
    return {
        name: (int(value) if value.is_integer() else value)
        if type(value) is float and _SMALLEST <= value <= _LARGEST  # Most are, so without a call.
        else _plain(value)
        for name, value in members.items()
    }


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
