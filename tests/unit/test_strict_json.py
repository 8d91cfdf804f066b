"""The strict parser accepts what has one meaning, and says which rule broke."""

import json
import math
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger import canonical
from app.ledger.strict_json import MAX_DEPTH, StrictJSONError, parse, read_stored


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_parsed_or_refused_and_never_crash(body):
    try:
        parse(body)
    except StrictJSONError as error:
        assert str(error)


@given(st.text(alphabet='[]{}",:0123456789.eE+-\\utrnfalse ', max_size=200))
def test_any_json_like_text_is_parsed_or_refused(text):
    try:
        value = parse(text.encode())
    except StrictJSONError:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"NaN", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"-Infinity", "Infinity"),
        (b"1e309", "too large"),
        (b"9007199254740992", "integer"),
        (b"-9007199254740992", "integer"),
        (b"1" * 5000, "integer"),
        (b'{"a":1,"a":1}', "same key"),
        (b'{"b":{"a":1,"\\u0061":2}}', "same key"),
        (b'"\\ud83d"', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b'"a\\u0000b"', "U+0000"),
        (b'"a\x00b"', "line 1, column"),
        ("é".encode("latin-1"), "UTF-8 at byte 0"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b"\xef\xbb\xbf1", "byte order mark"),
        (b"[1,]", "line 1, column"),
        (b"{'a': 1}", "line 1, column"),
        (b"1 2", "Extra data"),
        (b"01", "Extra data"),
        (b"", "line 1, column 1"),
    ],
)
def test_what_has_no_single_meaning_is_refused_with_the_rule(body, rule):
    with pytest.raises(StrictJSONError, match=rule.replace("+", r"\+")):
        parse(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_deep_nesting_is_refused_before_parsing(opening):
    with pytest.raises(StrictJSONError, match="nested"):
        parse(opening * 100_000)


def test_the_greatest_depth_is_accepted():
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(StrictJSONError, match="nested"):
        parse(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_brackets_inside_strings_do_not_count():
    body = json.dumps(["[{" * 500, '\\"[[[[' * 50]).encode()
    assert parse(body) == json.loads(body)


def test_many_shallow_brackets_are_accepted():
    body = json.dumps([[i] for i in range(1000)]).encode()
    assert parse(body)[999] == [999]


def test_a_pair_of_surrogates_is_one_character():
    assert parse(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_an_escaped_backslash_before_u_is_no_surrogate():
    assert parse(b'"\\\\ud800"') == "\\ud800"


def test_negative_zero_becomes_zero():
    assert math.copysign(1, parse(b"-0.0")) == 1
    assert parse(b"-0") == 0


def test_integers_stay_integers_and_decimals_are_doubles():
    assert [type(v) for v in parse(b"[1, 1.0, 1e0]")] == [int, float, float]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_stored_doubles_read_back_as_the_same_double(number):
    assert read_stored(canonical.encode(number).decode()) == number


def test_a_large_stored_double_reads_back_as_a_double():
    assert [type(v) for v in read_stored("[100000000000000000000,9007199254740991,1]")] == [
        float,
        int,
        int,
    ]


def test_the_depth_of_a_long_string_is_found_with_little_memory():
    body = b'{"inputs":["' + b"a" * 4_000_000 + b'"' + b",[]" * 40 + b"]}"
    tracemalloc.start()
    parse(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * len(body)
