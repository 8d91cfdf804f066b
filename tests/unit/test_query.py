"""The query language: what is a query, what it means, and what is said about one that is none."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query.checking import Condition, Equals, Found, Matches, Present, Within, check
from app.query.errors import QueryError
from app.query.fields import Field, Kind, Vocabulary, vocabulary
from app.query.syntax import LONGEST, parse
from app.query.tree import And, Not, Or
from app.query.wording import sentence
from ml.signature import FieldType, InputField, Output, OutputType, Signature

RECORD = [
    Field(name="model", kind=Kind.CHOICE, path=("model",), label="Model", choices=("churn", "prices")),
    Field(name="version", kind=Kind.NUMBER, path=("version",), label="Version"),
    Field(name="at", kind=Kind.MOMENT, path=("at",), label="Time"),
    Field(name="id", kind=Kind.IDENTIFIER, path=("id",), label="Record"),
    Field(name="reference", kind=Kind.TEXT, path=("reference",), label="Reference"),
]  # fmt: skip
CHURN = Signature(
    inputs=(
        InputField(name="age", type=FieldType.NUMBER, unit="years"),
        InputField(name="country", type=FieldType.CATEGORY, categories=("DE", "FR", 3)),
        InputField(name="since", type=FieldType.DATE),
        InputField(name="newsletter", type=FieldType.BOOLEAN),
        InputField(name="mean radius", type=FieldType.NUMBER),
        InputField(name="model", type=FieldType.TEXT),
    ),
    output=Output(type=OutputType.CLASSIFICATION, classes=("no", "yes"), probabilities=True),
)
PRICES = Signature(
    inputs=(
        InputField(name="age", type=FieldType.INTEGER, unit="months"),
        InputField(name="since", type=FieldType.TEXT),
    ),
    output=Output(type=OutputType.REGRESSION, unit="EUR"),
)
WORDS = vocabulary(RECORD, {"churn": [CHURN]})


def checked(query, words: Vocabulary = WORDS):
    return check(parse(query), words)


def only(query):
    """The test of a query with one condition."""
    found = checked(query)
    assert isinstance(found, Condition)
    return found.test


def moment(*when):
    return datetime(*when, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ("age:60", Equals(60.0)), ("age:-5", Equals(-5.0)), ("age:1e3", Equals(1000.0)), ("AGE:.5", Equals(0.5)),
        ("age:>60", Within(60.0, None, low_open=True)), ("age:>=60", Within(60.0, None)),
        ("age:<60", Within(None, 60.0, high_open=True)), ("age:<=-60", Within(None, -60.0)),
        ("age:1..2", Within(1.0, 2.0)), ("age:1.5..2.5", Within(1.5, 2.5)), ("age:..2", Within(None, 2.0)),
        ("age:1..", Within(1.0, None)), ("age:-2..-1", Within(-2.0, -1.0)),
        ('"mean radius":>3', Within(3.0, None, low_open=True)),
        ("country:FR", Equals("FR")), ("country:fr", Equals("FR")), ("country:3", Equals("3")), ('country:"DE"', Equals("DE")),
        ("newsletter:yes", Equals(True)), ("newsletter:false", Equals(False)),
        ("since:2026-02-28", Equals(date(2026, 2, 28))), ("since:>2026-02-28", Within(date(2026, 2, 28), None, low_open=True)),
        ("reference:ab-1", Equals("ab-1")), ("reference:ab*", Matches("ab*")), ('reference:"ab*"', Equals("ab*")),
        (r'reference:"say \"yes\" \\"', Equals('say "yes" \\')), ("reference:a:b", Equals("a:b")),
        ("prediction:yes", Equals("yes")), ("probability.yes:>0.5", Within(0.5, None, low_open=True)),
        ("has:age", Present()), ("input.model:x", Equals("x")),
        ("at:2026-11", Within(moment(2026, 11, 1), moment(2026, 12, 1), high_open=True)),
        ("at:2026-12", Within(moment(2026, 12, 1), moment(2027, 1, 1), high_open=True)),
        ("at:2026-11-20", Within(moment(2026, 11, 20), moment(2026, 11, 21), high_open=True)),
        ("at:2026-11-20T09:30", Within(moment(2026, 11, 20, 9, 30), moment(2026, 11, 20, 9, 31), high_open=True)),
        ("at:2026-11-20T09:30:05Z", Within(moment(2026, 11, 20, 9, 30, 5), moment(2026, 11, 20, 9, 30, 6), high_open=True)),
        ('at:"2026-11-20 09:30+02:00"', Within(moment(2026, 11, 20, 7, 30), moment(2026, 11, 20, 7, 31), high_open=True)),
        ("at:2026-11-01..2026-11-20", Within(moment(2026, 11, 1), moment(2026, 11, 21), high_open=True)),
        ("at:2026-11-20T09:30:05.123456Z",
         Within(moment(2026, 11, 20, 9, 30, 5, 123000), moment(2026, 11, 20, 9, 30, 5, 124000), high_open=True)),
        ("at:>2026-11-20", Within(moment(2026, 11, 21), None)), ("at:>=2026-11-20", Within(moment(2026, 11, 20), None)),
        ("at:<2026-11-20", Within(None, moment(2026, 11, 20), high_open=True)),
        ("at:<=2026-11-20", Within(None, moment(2026, 11, 21), high_open=True)),
    ],
)  # fmt: skip
def test_a_value_means(query, test):
    assert only(query) == test


def test_conditions_are_joined():
    age, fr, de, text = (
        checked(one) for one in ("age:>60", "country:FR", "country:DE", '"free text"')
    )
    assert text == Found("free text")
    assert checked("age:>60 country:FR") == And((age, fr)) == checked("age:>60 AND country:FR")
    assert checked("age:>60 OR country:FR") == Or((age, fr))
    assert checked("age:>60 country:FR OR country:DE") == Or((And((age, fr)), de)), (
        "AND binds closer"
    )
    assert checked("age:>60 (country:FR OR country:DE)") == And((age, Or((fr, de))))
    assert checked("country:(FR OR DE)") == Or((fr, de))
    assert (
        checked("-country:FR") == Not(fr) == checked("NOT country:FR") == checked("country:(-FR)")
    )
    assert checked("--country:FR") == fr
    assert checked("-(age:>60 country:FR)") == Not(And((age, fr)))
    assert checked("age:(>60 -5)") == And((age, checked("age:-5"))), "a sign before a digit"
    assert checked(' \n age:>60\t"free text" ') == And((age, text))
    assert checked("(((age:>60)))") == age
    assert checked("MODEL:Churn@3") == checked("model:churn@3")
    assert checked("HAS:age") == checked("has:age")
    assert checked("model:churn@3") == And((checked("model:churn"), checked("version:3")))
    assert parse("") is None is parse("  \n")


@pytest.mark.parametrize(
    ("query", "where", "message"),
    [
        ("agee:>60", "agee", "There is no field agee. Did you mean age?"),
        ("has:agee", "agee", "There is no field agee. Did you mean age?"),
        ("age:old", "old", "age is a number: write one such as 0.5."), ("age:1_0", "1_0", "age is a number"),
        ("age:1e999", "1e999", "age is a number"), ("age:nan", "nan", "age is a number"), ("age:٣", "٣", "age is a number"),
        ("country:UK", "UK", "country is never UK. It is one of: DE, FR, 3."), ("model:chrn", "chrn", "Did you mean churn?"),
        ("country:>FR", "country", "country has no order"), ("reference:a..b", "reference", "reference has no order"),
        ("newsletter:maybe", "maybe", "newsletter is true or false."),
        ("since:2026-02-30", "2026-02-30", "since is a date: write it as YYYY-MM-DD."),
        ("at:yesterday", "yesterday", "at is a time: write 2026-11, 2026-11-20 or 2026-11-20T09:30Z."),
        ("at:2026-13", "2026-13", "at is a time"), ("at:0001-01-01", "0001-01-01", "at is a time"),
        ("at:9999-12-31", "9999-12-31", "at is a time"), ("id:12", "12", "id is an identifier"),
        ("age:5..1", "5..1", "5 comes after 1."), ("at:2026-11-20..2026-11-19", "2026-11-20..2026-11-19", "comes after"), ("age:..", "..", "A range needs an end"),
        ("age:", "", "Write what age is to be right behind the colon."), ("age: 5", " ", "right behind the colon"),
        ("age:>", "", "Say what age is compared with."), ("age:()", ")", "right behind the colon"),
        ("(age:5", "(", "This parenthesis is not closed."), ("age:(5 OR 6", "(", "This parenthesis is not closed."),
        ("age:5)", ")", "There is no parenthesis that this one closes."), ("()", ")", "Write what to find."),
        ('"abc', '"', "This quotation mark is not closed."), ('age:"5', '"', "This quotation mark is not closed."),
        ("age:5 OR", "OR", "Something must follow OR."), ("NOT", "NOT", "Something must follow NOT."),
        ("OR age:5", "OR", "Something must stand before OR."), ("age:5 OR OR age:6", "OR age:6", "Something must stand before OR."),
        ("model:churn@x", "x", "version is a number"), ("-", "", "Write what to find."),
        ("x" * (LONGEST + 1), "x", "at most 2,000 characters"), ("(" * 21 + "a" + ")" * 21, "(", "Parentheses may be 20 deep."),
        ("a " * 101, "a", "at most 100 conditions"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_is(query, where, message):
    with pytest.raises(QueryError) as found:
        checked(query)
    error = found.value
    assert message in error.message
    assert 0 <= error.start <= error.end <= max(len(query), error.start)
    assert query[error.start : error.end] == where[: error.end - error.start]
    assert where.startswith(query[error.start : error.end])


def test_a_name_that_means_two_things_needs_a_model():
    words = vocabulary(RECORD, {"churn": [CHURN], "prices": [PRICES]})
    with pytest.raises(
        QueryError, match=r"since is a date in churn and a text in prices: say which model"
    ):
        checked("since:2026-01-01", words)
    for query in ("prediction:yes", "Prediction:yes"):
        with pytest.raises(
            QueryError, match=r"prediction is a choice in churn and a number in prices"
        ):
            checked(query, words)
    for name in ("since", "prediction", "outcome"):
        assert checked(f"has:{name.upper()}", words) == checked(f"has:{name}", words)
        assert (
            sentence(checked(f"-has:{name}", words))
            == f"Records where it is not so that there is a value of {name}."
        )
    with pytest.raises(QueryError, match=r"There is no field outcomes\. Did you mean outcome"):
        checked("has:outcomes", words)
    age = words.find("age")
    assert (age.kind, age.unit) == (Kind.NUMBER, None), (
        "numbers of two models, in years and in months"
    )


def test_an_input_with_the_name_of_another_field_is_named_as_an_input():
    churn = Signature(
        inputs=tuple(InputField(name=n, type=FieldType.CATEGORY, categories=("yes", "maybe")) for n in ("prediction", "has", "probability.x")),
        output=CHURN.output,
    )  # fmt: skip
    words = vocabulary(RECORD, {"churn": [churn]})
    assert words.find("prediction").path == ("output", "prediction")
    assert words.find("prediction").choices == ("no", "yes")
    for name in ("prediction", "has", "probability.x"):
        assert words.find(f"input.{name}").path == ("inputs", name)


def test_classes_are_written_as_they_are_in_the_book():
    output = Output(type=OutputType.CLASSIFICATION, classes=(0.0, 1.0, 2.5), probabilities=True)
    words = vocabulary(RECORD, {"churn": [Signature(inputs=CHURN.inputs, output=output)]})
    assert words.find("prediction").choices == ("0", "1", "2.5")
    output = Output(type=OutputType.CLASSIFICATION, classes=(False, True), probabilities=True)
    words = vocabulary(RECORD, {"churn": [Signature(inputs=CHURN.inputs, output=output)]})
    assert words.find("prediction").choices == ("false", "true")
    assert words.find("probability.true").path == ("output", "probabilities", "True")


def test_choices_of_all_versions_can_be_asked_for():
    later = Signature(
        inputs=(InputField(name="country", type=FieldType.CATEGORY, categories=("FR", "UK")),), output=CHURN.output
    )  # fmt: skip
    words = vocabulary(RECORD, {"churn": [later, CHURN]})
    assert words.find("country").choices == ("FR", "UK", "DE", "3")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("age:>60", "Records where age is above 60 years."),
        ("age:>=60 country:FR", "Records where age is at least 60 years and country is FR."),
        ("age:1..2 OR age:<0.5", "Records where age is from 1 to 2 years or age is below 0.5 years."),
        ("-(country:FR age:<=3)", "Records where it is not so that (country is FR and age is at most 3 years)."),
        ("at:2026-11-20", "Records where at is from 2026-11-20 to before 2026-11-21."),
        ("at:>=2026-11-20T09:30Z", "Records where at is from 2026-11-20 09:30:00 UTC."),
        ("reference:ab* has:age", "Records where reference is like ab* and there is a value of age."),
        ('"x y" newsletter:no', "Records where “x y” is somewhere in what was sent and newsletter is false."),
        ("country:(FR OR DE) age:5", "Records where (country is FR or country is DE) and age is 5 years."),
    ],
)  # fmt: skip
def test_a_query_is_said_in_a_sentence(query, said):
    assert sentence(checked(query)) == said
    assert sentence(None) == "All records."


PIECES = [
    "age:",
    "country:",
    "5",
    "FR",
    "..",
    ">",
    "<=",
    "(",
    ")",
    "-",
    " ",
    "OR",
    "AND",
    "NOT",
    '"',
    "\\",
    "has:",
    "@",
    "*",
    ":",
    "at:",
    "2026-11",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=30).map("".join)))
def test_whatever_is_written_is_a_query_or_an_error_at_its_place(query):
    try:
        tree = parse(query)
        said = None if tree is None else sentence(check(tree, WORDS))
    except QueryError as error:
        assert 0 <= error.start <= error.end <= max(error.start, len(query))
    else:
        assert said is None or said.startswith("Records where")
