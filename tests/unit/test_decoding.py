"""The fast parser says what the strict one says, of every text."""

import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import decoding
from app.ledger import strict_json
from app.ledger.strict_json import MAX_DEPTH, StrictJSONError

NAMES = st.sampled_from(["a", "b", ":", 'a"', "\\", "\u00e4", "\U0001f600", "\x00", "a,"])
NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([0.0, -0.0, 5e-324, 2.0**53])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
)


def said_by(parser, body):
    """What a parser returns, with the kinds of its numbers and the sign of zeros, or why it refuses."""
    try:
        return "read", repr(parser(body))
    except StrictJSONError as error:
        return "refused", str(error)


def agree(body):
    return said_by(decoding.parse, body) == said_by(strict_json.parse, body)


@given(
    VALUES, st.booleans(), st.sampled_from([None, 1]), st.sampled_from([(",", ":"), (" , ", " : ")])
)
def test_both_parsers_say_the_same_of_written_values(value, ascii_only, indent, separators):
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators)
    assert agree(body.encode("utf-8", "surrogatepass"))


@given(
    st.lists(
        st.sampled_from([*'{}[]",:\\ \n', '"a"', '"b"', '"a":', '":"', "1", "-0", "-0.0", "1e400", "-1e-400",
                         "9007199254740992", "1e16", "null", "true", "NaN", '{"a":', '"a" :', "\\u0061", "\ufeff"]),
        max_size=14,
    ).map("".join)
)  # fmt: skip
def test_both_parsers_say_the_same_of_what_may_be_json(text):
    assert agree(text.encode())


@given(st.binary(max_size=20))
def test_both_parsers_say_the_same_of_any_bytes(body):
    assert agree(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}', b'{"a" :1,"a" :1}', b'{"a":1,"b":{"a":1,"a"\n:2}}', b'{"a":":","a":1}',
        b'{"a":":","b":1}', b'[":"]', b"-0.0", b"[-0]", b"[-1e-400]", b"[1e400]", b"[9007199254740993]",
        b"[123456789012345678901234567890]", b"[1e300]", b"[1.0]", b"[1]", b'{"a":"\x00"}', b'["\xed\xa0\x80"]',
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), b"[" * 2000,
    ],
)  # fmt: skip
def test_both_parsers_say_the_same_where_orjson_alone_would_not(body):
    assert agree(body)


def test_what_is_plain_never_goes_the_slow_way(monkeypatch):
    monkeypatch.setattr(strict_json, "parse", lambda _: pytest.fail("the slow way"))
    row = {"a": 1.5, "b": 0.0, "c": "text", "d": None, "e": 3, "f": True}
    for written in (json.dumps({"inputs": [row] * 3}).encode(), orjson.dumps([row])):
        assert decoding.parse(written) == orjson.loads(written)
    assert math.copysign(1, decoding.parse(b"[0.0]")[0]) == 1
