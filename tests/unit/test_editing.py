"""A click changes what is asked of one field, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query.editing import asks_for, read_names, refine, written
from app.query.errors import QueryError
from app.query.syntax import conjuncts, parse


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ("", "age:>60"),
        ("  ", "age:>60"),
        ("age:1", "age:>60"),
        ("AGE:1 age:<5", "age:>60"),
        ("model:churn age:1..2 text", "model:churn text age:>60"),
        ("model:churn AND NOT age:1 AND text", "model:churn text age:>60"),
        ("age:(1 OR 2) country:FR", "country:FR age:>60"),
        ("age:1 OR country:FR", "(age:1 OR country:FR) age:>60"),
        ("age:1 OR age:2", "age:>60"),
        ("(age:1 OR b:2)", "(age:1 OR b:2) age:>60"),
        ("(age:1 country:FR)", "(age:1 country:FR) age:>60"),
        ('"age":1 "a:b":2 -x', '"a:b":2 -x age:>60'),
        ('"age:1"', '"age:1" age:>60'),
    ],
)
def test_what_is_asked_of_a_field_is_replaced(query, changed):
    assert refine(query, "age", "age:>60") == changed


def test_what_is_asked_of_a_field_is_removed():
    assert refine("model:churn age:1", "age") == "model:churn"
    assert refine("age:1", "age") == ""


def test_two_conditions_of_a_bar_are_replaced_together():
    once = refine("model:churn", "age", "age:>=1 age:<2")
    assert refine(once, "age", "age:>=3 age:<4") == "model:churn age:>=3 age:<4"


def test_what_is_no_query_is_not_changed():
    with pytest.raises(QueryError):
        refine("(age:1", "age", "age:2")


def test_what_a_query_asks_for_is_known():
    assert asks_for("model:churn country:FR", "country:FR")
    assert not asks_for("model:churn OR country:FR", "country:FR")
    assert not asks_for("", "country:FR")


WORDS = st.sampled_from(
    [
        "age:1",
        "age:>2",
        "b:x",
        "-age:3",
        "NOT b:y",
        "word",
        '"two words"',
        "(age:1 OR b:2)",
        "b:(1 OR 2)",
        "AND age:7",
    ]
)


@given(
    st.lists(WORDS, min_size=1).filter(lambda words: not words[0].startswith("AND")), st.booleans()
)
def test_a_changed_query_is_one_and_keeps_the_other_parts(words, either):
    query = (" OR " if either else " ").join(
        word.removeprefix("AND ") if either else word for word in words
    )
    before, after = conjuncts(query), conjuncts(refine(query, "age", "age:9"))
    assert after[-1][0] == "age:9"
    assert [text for text, _ in after[:-1]] == [
        text for text, _ in before if text in [t for t, _ in after[:-1]]
    ]
    assert refine(refine(query, "age", "age:9"), "age", "age:9") == refine(query, "age", "age:9")


@pytest.mark.parametrize("name", ["a..b", "wait...", "Weight, kg", "-a", "OR", 'say "no"'])
def test_names_and_values_are_written_as_they_are_read(name):
    assert parse(f"{written(name)}:{written(name)}").test.value.text == name
    assert read_names(f"age {written(name)}, {written(name)} b") == ["age", name, name, "b"]


@given(st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=20))
def test_any_value_can_be_written(value):
    term = parse(f"name:{written(value)}")
    assert term.test.value.text == value
    assert parse(f"{written(value)}:1").name.text == value
