"""CSV: what is read back is what was written, and no cell is a formula."""

import csv
import io
import json
import math
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger import canonical
from app.spreadsheet import line

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")


def read(written):
    (cells,) = csv.reader(io.StringIO(written.decode(), newline=""))
    return cells


def original(cell):
    """What the documentation says: take one apostrophe away."""
    return cell.removeprefix("'") if cell.startswith("'") else cell


@given(st.lists(TEXTS, min_size=2))
def test_every_text_is_read_back_as_it_was(texts):
    assert [original(cell) for cell in read(line(texts))] == texts


@given(st.sampled_from(FORMULAS), TEXTS)
def test_no_text_begins_as_a_formula_does(beginning, text):
    (cell,) = read(line([beginning + text]))
    assert cell == f"'{beginning}{text}"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_is_read_back_as_it_was(number):
    assert float(line([number, ""]).split(b",")[0]) == number
    assert (
        line([number, ""]) == line([json.loads(canonical.encode(number)), ""])
        or math.fabs(number) > 2**53
    )


def test_missing_and_empty_differ_and_numbers_and_booleans_are_no_texts():
    cells = [None, "", True, False, -5, 1.5, "1.5"]
    assert line(cells) == b',"",true,false,-5,1.5,"1.5"\r\n'


def test_times_identifiers_and_json_have_their_usual_form():
    moment = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    cells = [moment, UUID(int=1), {"b": 1, "a": ["x"]}]
    assert read(line(cells)) == [
        "2026-11-21T09:30:00.000000Z", "00000000-0000-0000-0000-000000000001", '{"a":["x"],"b":1}',
    ]  # fmt: skip


@pytest.mark.parametrize("text", ['say "no"', "a,b", "two\r\nlines", "'quoted", "''"])
def test_what_csv_gives_a_meaning_stays_in_its_cell(text):
    assert [original(cell) for cell in read(line([text, "x"]))] == [text, "x"]
