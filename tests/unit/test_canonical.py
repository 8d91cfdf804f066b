"""The canonical form is RFC 8785's, under the strict profile."""

import json
import math
import struct

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ledger import canonical, strict_json
from app.ledger.canonical import CanonicalFormError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=30
)


@given(VALUES)
@settings(max_examples=500)
def test_every_value_has_the_bytes_that_rfc8785_gives(value):
    assert canonical.encode(value) == rfc8785.dumps(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=2000)
def test_every_double_is_written_as_rfc8785_writes_it(number):
    assert canonical.encode(number) == rfc8785.dumps(number)


def _reads_as_sent(number):
    """A large double is written without an exponent, which reads as an integer beyond the profile."""
    return not 2**53 <= abs(number) < 1e21


@given(
    st.dictionaries(
        TEXT, TEXT | st.floats(allow_nan=False, allow_infinity=False).filter(_reads_as_sent)
    )
)
def test_parsing_the_canonical_bytes_gives_the_same_bytes(value):
    once = canonical.encode(value)
    assert canonical.encode(strict_json.parse(once)) == once


# RFC 8785 appendix B: IEEE 754 bits and their canonical text.
VECTORS = [
    ("0000000000000000", "0"), ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"), ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"), ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"), ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"), ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"), ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"), ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"), ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]  # fmt: skip


@pytest.mark.parametrize(("bits", "written"), VECTORS)
def test_numbers_of_the_appendix_of_rfc8785(bits, written):
    assert canonical.number(struct.unpack(">d", bytes.fromhex(bits))[0]) == written


def test_keys_sort_by_utf16_code_units():
    # RFC 8785 section 3.2.3.
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical.encode(dict.fromkeys(keys)))) == ordered


@pytest.mark.parametrize(
    "value",
    [
        math.nan, math.inf, -math.inf, 2**53, -(2**53), "\ud800", {"\udfff": 1}, "\x00", {1: 2},
        {"a": object()}, b"bytes", {1, 2},
    ],
)  # fmt: skip
def test_what_is_outside_the_profile_is_refused(value):
    with pytest.raises(CanonicalFormError):
        canonical.encode(value)


def test_nesting_without_end_is_refused():
    value: list = []
    value.append(value)
    with pytest.raises(CanonicalFormError, match="deep"):
        canonical.encode(value)
