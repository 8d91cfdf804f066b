"""The fast encoder writes what the canonical one writes, for every value."""

import math
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.ledger import canonical
from app.ledger.canonical import CanonicalFormError
from app.recorder import encoding
from app.recorder.encoding import encode

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53) + 1, 2**53 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


@given(VALUES)
def test_it_writes_the_canonical_bytes(value):
    assert encode(value) == canonical.encode(value)


@given(st.binary(min_size=8, max_size=8).map(lambda raw: struct.unpack("d", raw)[0]))
@example(1e16)
@example(1e15)
@example(1e21)
@example(1e-4)
@example(9.999999999999999e-5)
@example(1e-5)
@example(9.999999999999999e-6)
@example(1e-6)
@example(9.999999999999999e-7)
@example(-0.0)
@example(5e-324)
@example(123456789012345680.0)
def test_it_writes_every_double_as_ecmascript_does(double):
    if math.isfinite(double):
        assert encode({"x": double}) == canonical.encode({"x": double})
        assert encode([double]) == canonical.encode([double])


NAMES = st.sampled_from(
    ["a", "mean radius", "e1", "e", "null", "x.0", ".0,", ":-0.0", "\u00e4", "1e-7", "", '"']
)


@given(
    st.dictionaries(
        NAMES | TEXTS,
        st.floats() | st.sampled_from([0.0, -0.0, 1.0, 1e15, 1e16, 1e-5, -1.5]),
        min_size=1,
    )
)
def test_rows_of_doubles_have_their_canonical_bytes_or_none(row):
    try:
        expected = canonical.encode(row)
    except CanonicalFormError:
        with pytest.raises(CanonicalFormError):
            encode(row)
    else:
        assert encode(row) == expected


def test_names_beyond_ascii_are_ordered_by_utf16():
    members = {"\U0001f600": 1, "￿": 2, "a": 3}
    assert encode(members) == canonical.encode(members)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        {"x": math.inf},
        [2**53],
        "\x00",
        {"\x00": 1},
        {1: 2},
        "\ud800",
        {"a": "\ud800"},
        {1j},
    ],
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(CanonicalFormError):
        encode(value)


def test_names_that_somebody_made_up_do_not_stay_for_long():
    for number in range(1_000):
        encode({f"{number}": 1, "x" * 30_000: 2})
        encode({f"{number}": 1})
        encode({f"{number} {n}": 1 for n in range(2_000)})
    assert len(encoding._known) <= encoding._MOST_KNOWN
    assert max(sum(map(len, names)) for names in encoding._known) <= encoding._MOST_CHARACTERS
