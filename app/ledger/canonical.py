"""Canonical JSON bytes: RFC 8785 (JSON Canonicalization Scheme) under a strict profile.

The profile: string keys, finite doubles, -0.0 written as 0, integers within ±(2^53-1), no lone
surrogates, no U+0000. One value has one byte sequence, so that a hash of the bytes is a hash of the value.
"""

import json
import math
from typing import Any

from app.ledger.strict_json import MAX_SAFE_INTEGER


class CanonicalFormError(ValueError):
    """The value has no canonical form; the message says which rule broke."""


def encode(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value (None, bool, int, float, str, list, tuple, dict).

    Raises:
        CanonicalFormError: if the value is outside the profile.
    """
    try:
        return _text(value).encode("utf-8")
    except UnicodeEncodeError:
        raise CanonicalFormError("a string contains a lone surrogate") from None
    except RecursionError:
        raise CanonicalFormError("the value is nested too deeply") from None


def _text(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _string(value)
        case float():
            return number(value)
        case int():
            return _integer(value)
        case dict():
            return "{" + ",".join(_members(value)) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_text, value)) + "]"
    raise CanonicalFormError(f"{type(value).__name__} is not a JSON type")


def _members(members: dict[Any, Any]) -> list[str]:
    for key in members:
        if not isinstance(key, str):
            raise CanonicalFormError("an object's key is not a string")
    # RFC 8785 section 3.2.3: keys sort by UTF-16 code units, unlike Python's order above U+FFFF.
    ordered = sorted(members, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return [f"{_string(key)}:{_text(members[key])}" for key in ordered]


def _string(text: str) -> str:
    if "\x00" in text:
        raise CanonicalFormError("a string contains U+0000")
    return json.dumps(text, ensure_ascii=False)


def _integer(integer: int) -> str:
    if abs(integer) > MAX_SAFE_INTEGER:
        raise CanonicalFormError("an integer is beyond ±(2^53-1)")
    return str(int(integer))


def number(double: float) -> str:
    """Write a double as ECMAScript's Number::toString does (ECMA-262, RFC 8785 section 3.2.2.3).

    Python's `repr` finds the same shortest digits; only the placing of point and exponent differs.
    """
    if not math.isfinite(double):
        raise CanonicalFormError("a number is not finite")
    if double == 0:
        return "0"
    sign = "-" if double < 0 else ""
    mantissa, _, exponent = repr(abs(float(double))).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return sign + _place(digits.rstrip("0"), point)


def _place(digits: str, point: int) -> str:
    """Write 0.digits * 10**point."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return digits + power if len(digits) == 1 else f"{digits[0]}.{digits[1:]}{power}"
