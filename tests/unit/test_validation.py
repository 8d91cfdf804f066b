"""Validation: strict for JSON, lax for forms, the same rows from both."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.signature import MAX_TEXT, InputField, Output, OutputType, Signature
from ml.validation import InvalidRowsError, Validator

SIGNATURE = Signature(
    inputs=(
        InputField(name="amount", type="number", minimum=-1000, maximum=1e6),
        InputField(name="count", type="integer", minimum=0),
        InputField(name="insured", type="boolean"),
        InputField(name="country", type="category", categories=("FR", "DE", 7)),
        InputField(name="note", type="text", required=False),
        InputField(name="born", type="date", required=False, default="2000-01-01"),
        InputField(name="_private", type="number", required=False),
        InputField(name="model_config", type="number", required=False, default=1.5),
    ),
    output=Output(type=OutputType.REGRESSION),
)
VALIDATOR = Validator(SIGNATURE)
GOOD = {"amount": 1.5, "count": 3, "insured": True, "country": "FR"}
ROWS = st.fixed_dictionaries(
    {
        "amount": st.floats(-1000, 1e6),
        "count": st.integers(0, 2**53 - 1),
        "insured": st.booleans(),
        "country": st.sampled_from(["FR", "DE", 7]),
    },
    optional={
        "note": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50)
        .filter(str.strip),
        "born": st.dates().map(str),
        "_private": st.floats(allow_nan=False, allow_infinity=False),
        "model_config": st.floats(allow_nan=False, allow_infinity=False),
    },
)  # fmt: skip


def faults(rows):
    with pytest.raises(InvalidRowsError) as caught:
        VALIDATOR.parse_json(rows)
    return [(f.row, f.field, f.message) for f in caught.value.faults]


def test_a_row_comes_back_complete_and_in_order():
    (row,) = VALIDATOR.parse_json([dict(reversed(GOOD.items()))])
    assert list(row) == list(SIGNATURE.names)
    assert row == GOOD | {"note": None, "born": "2000-01-01", "_private": None, "model_config": 1.5}


def test_null_is_a_missing_value_where_one_may_be_missing():
    (row,) = VALIDATOR.parse_json([GOOD | {"note": None, "born": None}])
    assert (row["note"], row["born"]) == (None, "2000-01-01")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount": "1"}, "Enter a number."),
        ({"amount": True}, "Enter a number."),
        ({"amount": math.nan}, "Enter a number."),
        ({"amount": -1001}, "Enter -1000 or more."),
        ({"amount": 1e7}, "Enter 1000000 or less."),
        ({"count": 1.5}, "Enter a whole number."),
        ({"count": "3"}, "Enter a whole number."),
        ({"count": True}, "Enter a whole number."),
        ({"count": 2**53}, "Enter 9.00719925474099e+15 or less."),
        ({"insured": 1}, "Enter true or false."),
        ({"insured": "true"}, "Enter true or false."),
        ({"country": "fr"}, "Choose one of: FR, DE, 7."),
        ({"country": "7"}, "Choose one of: FR, DE, 7."),
        ({"country": True}, "Choose one of: FR, DE, 7."),
        ({"note": 5}, "Enter text."),
        ({"note": "x" * (MAX_TEXT + 1)}, "Enter at most 10,000 characters."),
        ({"born": "20.11.2026"}, "Enter a date as YYYY-MM-DD."),
        ({"born": "2026-02-30"}, "Enter a date as YYYY-MM-DD."),
        ({"born": 5}, "Enter a date as YYYY-MM-DD."),
        ({"amount": None}, "This field is required."),
    ],
)
def test_json_must_have_the_types_of_the_signature(change, message):
    (name,) = change
    assert faults([GOOD | change]) == [(0, name, message)]


def test_every_fault_of_every_row_is_found():
    found = faults([GOOD, {"amount": "x"}, None, GOOD | {"cuont": 1}])
    assert [(row, name) for row, name, _ in found] == [
        (1, "amount"), (1, "count"), (1, "insured"), (1, "country"), (2, None), (3, "cuont"),
    ]  # fmt: skip


def test_an_unknown_field_suggests_the_nearest():
    assert faults([GOOD | {"cuont": 1}])[0][2].endswith("Did you mean count?")


def test_an_integral_double_is_an_integer():
    (row,) = VALIDATOR.parse_json([GOOD | {"count": 3.0}])
    assert type(row["count"]) is int


def test_negative_zero_is_zero():
    (row,) = VALIDATOR.parse_json([GOOD | {"amount": -0.0}])
    assert math.copysign(1, row["amount"]) == 1


def test_numbers_come_back_as_doubles():
    (row,) = VALIDATOR.parse_json([GOOD | {"amount": 3}])
    assert type(row["amount"]) is float


@given(ROWS)
def test_the_form_gives_the_row_that_json_gives(row):
    typed = {
        name: ("true" if value else "false") if isinstance(value, bool) else str(value)
        for name, value in row.items()
    }
    assert VALIDATOR.parse_form(typed) == VALIDATOR.parse_json([row])[0]


@given(st.dictionaries(st.sampled_from([*SIGNATURE.names, "other"]), st.text(max_size=20)))
def test_any_form_is_read_or_refused_with_messages(typed):
    try:
        VALIDATOR.parse_form(typed)
    except InvalidRowsError as error:
        assert all(fault.message.endswith((".", "?")) for fault in error.faults)


@pytest.mark.parametrize("text", [" 12 ", "12", "12.0", "1.2e1"])
def test_a_form_reads_numbers_as_people_type_them(text):
    typed = {"amount": text, "count": "1", "insured": "true", "country": "7"}
    row = VALIDATOR.parse_form(typed)
    assert (row["amount"], row["country"]) == (12.0, 7)


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1,5", "0x10", "١٢x", "1_000.5_"])
def test_a_form_refuses_what_is_no_number(text):
    typed = {"amount": text, "count": "1", "insured": "true", "country": "FR"}
    with pytest.raises(InvalidRowsError) as caught:
        VALIDATOR.parse_form(typed)
    assert caught.value.faults[0].message == "Enter a number."


def test_a_blank_field_is_a_missing_value():
    typed = {"amount": " ", "count": "1", "insured": "true", "country": "FR", "note": " "}
    with pytest.raises(InvalidRowsError) as caught:
        VALIDATOR.parse_form(typed)
    assert [(f.field, f.message) for f in caught.value.faults] == [
        ("amount", "This field is required.")
    ]


@pytest.mark.parametrize("typed", ["1_500", "1_5"])
def test_a_number_with_underscores_is_none(typed):
    form = {"amount": typed, "count": typed, "insured": "true", "country": "FR"}
    with pytest.raises(InvalidRowsError) as caught:
        VALIDATOR.parse_form(form)
    assert [f.field for f in caught.value.faults] == ["amount", "count"]


def test_an_integer_stays_within_the_profile_whatever_its_bounds():
    wide = InputField(name="n", type="integer", minimum=-1e18, maximum=1e18)
    validator = Validator(Signature(inputs=(wide,), output=Output(type=OutputType.REGRESSION)))
    for value in (1e17, 2**53, -(2**53)):
        with pytest.raises(InvalidRowsError):
            validator.parse_json([{"n": value}])
    assert validator.parse_json([{"n": 2**53 - 1}])


def test_a_blank_category_can_be_chosen():
    item = InputField(name="c", type="category", categories=(" ", "x"))
    validator = Validator(Signature(inputs=(item,), output=Output(type=OutputType.REGRESSION)))
    assert validator.parse_form({"c": " "}) == {"c": " "}


def test_faults_without_end_are_counted_and_the_first_listed():
    with pytest.raises(InvalidRowsError) as caught:
        VALIDATOR.parse_json([{}] * 1000)
    assert caught.value.count == 4000
    assert len(caught.value.faults) == 1000


def test_many_choices_are_not_all_named():
    item = InputField(name="c", type="category", categories=tuple(f"c{i}" for i in range(100)))
    validator = Validator(Signature(inputs=(item,), output=Output(type=OutputType.REGRESSION)))
    with pytest.raises(InvalidRowsError) as caught:
        validator.parse_json([{"c": "x"}])
    assert caught.value.faults[0].message.endswith("c29 and 70 more.")
