"""What turned out to be true is a value that the model could have answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger import canonical
from ml.signature import Output
from ml.truth import TruthError, read_truth, read_written_truth, written

NUMBER = Output(type="regression", unit="EUR")
LABEL = Output(type="label")


def classes(*names):
    return Output(type="classification", classes=names)


@pytest.mark.parametrize(
    ("output", "given", "read"),
    [
        (classes("yes", "no"), "yes", "yes"), (classes(0, 1), 1, 1), (classes(0, 1), 1.0, 1), (classes(0.0, 1.0), 1, 1.0),
        (classes(False, True), True, True), (NUMBER, 3, 3.0), (NUMBER, -0.0, 0.0), (NUMBER, 1e150, 1e150),
        (LABEL, "blue", "blue"), (LABEL, 3, 3), (LABEL, False, False), (Output(type="classification"), "any", "any"),
    ],
)  # fmt: skip
def test_a_value_that_fits_is_read(output, given, read):
    found = read_truth(output, given)
    assert (found, type(found)) == (read, type(read))
    assert str(found) == str(read), "there is one zero"


@pytest.mark.parametrize(
    ("output", "given", "why"),
    [
        (classes("yes", "no"), "maybe", "Give one of: yes, no."), (classes("yes", "no"), None, "Give one of"),
        (classes(0, 1), True, "Give one of: 0, 1."), (classes(False, True), 1, "Give one of: false, true."),
        (classes(0, 1), "1", "Give one of"), (classes("a"), ["a"], "Give one of"), (NUMBER, "3", "Give a number"),
        (NUMBER, True, "Give a number"), (NUMBER, None, "Give a number"), (NUMBER, 10**400, "Give a number"),
        (NUMBER, float("nan"), "Give a number"), (NUMBER, -2e150, "between -1e.150 and 1e.150"), (LABEL, "", "Give a label"), (LABEL, None, "Give a label"),
        (LABEL, "x" * 10_001, "Give a label"), (LABEL, "a\x00", "Give a label"), (LABEL, {}, "Give a label"),
        (LABEL, float("inf"), "Give a label"), (LABEL, 2**60, "Give a label"),
    ],
)  # fmt: skip
def test_another_value_is_refused(output, given, why):
    with pytest.raises(TruthError, match=why):
        read_truth(output, given)


@pytest.mark.parametrize(
    ("output", "text", "read"),
    [
        (classes("yes", "no"), " Yes ", "yes"), (classes("yes", "Yes"), "Yes", "Yes"), (classes(0.0, 1.0), "1", 1.0),
        (classes(False, True), "TRUE", True), (NUMBER, "-1.5e3", -1500.0), (NUMBER, " .5 ", 0.5), (LABEL, "3", "3"),
    ],
)  # fmt: skip
def test_a_text_is_read_as_the_model_would_have_answered(output, text, read):
    found = read_written_truth(output, text)
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize("text", ["", "1_000", "1,5", "nan", "inf", "0x10", "1e9999", "١"])
def test_a_text_that_is_no_number_is_refused(text):
    with pytest.raises(TruthError, match="Give a number"):
        read_written_truth(NUMBER, text)


@given(st.lists(st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(min_size=1)),
                min_size=1, max_size=5))  # fmt: skip
def test_every_class_is_read_as_itself(names):
    output = classes(*names)
    for one in names:
        found = read_truth(output, one)
        assert found == one
        assert isinstance(found, bool) is isinstance(one, bool)


@given(st.floats(-1e150, 1e150))
def test_a_number_is_the_same_when_it_was_written(number):
    assert read_written_truth(NUMBER, repr(number)) == number
    assert canonical.encode(read_truth(NUMBER, number))


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (1.0, "1"), (1, "1"), (1.5, "1.5"), ("a", "a")]
)
def test_a_class_is_written_as_in_the_book(value, text):
    assert written(value) == text
