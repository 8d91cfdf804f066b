"""A strict JSON parser: what it accepts has exactly one meaning.

It follows RFC 8259 and I-JSON (RFC 7493), and is stricter than `json.loads`, which accepts NaN,
1e400, duplicate keys, lone surrogates and UTF-16, and fails with RecursionError on deep nesting.
"""

import json
import math
import re
from typing import Any

MAX_DEPTH = 32
MAX_SAFE_INTEGER = 2**53 - 1

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_SURROGATE_OR_NUL = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")


class StrictJSONError(ValueError):
    """The text is not JSON of the strict profile; the message says which rule broke."""


def parse(body: bytes) -> Any:
    """Parse UTF-8 JSON.

    Numbers with a fraction or an exponent become floats, others integers; -0.0 becomes 0.0.

    Raises:
        StrictJSONError: for invalid UTF-8 or JSON, a byte order mark, duplicate keys, numbers that
            are not finite, integers beyond ±(2^53-1), lone surrogates, U+0000, or nesting
            deeper than `MAX_DEPTH`.
    """
    text = _decode(body)
    _check_depth(body)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_finite,
            parse_int=_safe_integer,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        raise StrictJSONError(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    if _SURROGATE_OR_NUL.search(text):
        _check_strings(value)
    return value


def _decode(body: bytes) -> str:
    if body.startswith(b"\xef\xbb\xbf"):
        raise StrictJSONError("the text begins with a byte order mark")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJSONError(f"the text is not UTF-8 at byte {error.start}") from None


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in re.findall(rb"[\[\]{}]", _STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise StrictJSONError(f"nested deeper than {MAX_DEPTH} levels")


def read_stored(text: str) -> Any:
    """Read JSON that was written in canonical form and is trusted.

    The canonical form writes large doubles without an exponent, as integers look; beyond ±(2^53-1),
    where the profile has no integers, digits without a point are such a double.
    """
    return json.loads(text, parse_int=_integer_or_large_double)


def _integer_or_large_double(text: str) -> int | float:
    integer = int(text)
    return integer if abs(integer) <= MAX_SAFE_INTEGER else float(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJSONError("an object has the same key twice")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise StrictJSONError("a number is too large for a double")
    return number + 0.0


def _safe_integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_SAFE_INTEGER:
        raise StrictJSONError("an integer is beyond ±(2^53-1)")
    return int(text)


def _no_constant(text: str) -> None:
    raise StrictJSONError(f"{text} is not JSON")


def _check_strings(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise StrictJSONError("a string contains U+0000")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise StrictJSONError("a string contains a lone surrogate")
    elif isinstance(value, dict):
        for key, member in value.items():
            _check_strings(key)
            _check_strings(member)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)
