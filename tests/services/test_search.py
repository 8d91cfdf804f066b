"""Search: what a query finds is what the same question finds when Python asks each record."""

import fnmatch
import operator
import re
from datetime import date

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor
from sqlalchemy import JSON, cast, literal, select, text

from app.extensions import db
from app.identifiers import time_of
from app.ledger import canonical
from app.query.checking import Condition, Equals, Found, Matches, Present, Within
from app.query.fields import Kind
from app.query.tree import And, Not, Or
from app.services import conditions, history, reporting, search
from app.services.errors import InvalidQueryError
from app.services.reporting import Report
from app.services.reviewing import Draft, review_prediction
from tests.support.cast import churn_estimator, customers, register, write_model
from tests.support.history import ROWS, record_some


@pytest.fixture
def book(context, client, cast):
    records = record_some(client, cast)
    answered = sorted(one.id for one in records if one.status == "accepted" and one.output)
    reports = [
        Report(id=str(one), value=value) for one, value in zip(answered, TRUTHS, strict=False)
    ]
    reporting.report_outcomes(cast["owner"].caller, reports)
    for identifier, verdict in zip(answered[2:], VERDICTS, strict=False):
        review_prediction(cast["colleague"].caller, identifier, Draft(verdict=verdict))
    SAID_OF.clear()
    SAID_OF.update(zip(answered[2:], VERDICTS, strict=False))
    TRUE_OF.clear()
    TRUE_OF.update(zip(answered, TRUTHS, strict=False))
    return records


#: Of the first records, some of which were corrected.
TRUTHS = ["yes", "no", "no", "yes"]
VERDICTS = ["agree", "unsure", "agree"]
TRUE_OF, SAID_OF = {}, {}


def found(caller, query):
    return {
        one.id
        for one in history.find_predictions(
            caller, search.read_query(caller, query), limit=500
        ).records
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 15), ("model:churn", 14), ("-model:churn", 0), ("model:churn@1 status:accepted", 11), ("status:refused", 4),
        ("age:>60", 6), ("age:44", 2), ("age:61.5..", 6), ("-age:>60", 4), ("has:age", 10), ("-has:age", 5),
        ("country:FR", 4), ("country:(FR OR DE) visits:<10", 6), ("caller:COLLEAGUE@example.com", 5), ("caller:*@example.com", 15),
        ("caller:nobody@example.com", 0), ("-caller:nobody@example.com", 15), ("reference:A-1", 2), ("reference:a*", 2), ("reference:*1", 4), ("reference:50%", 2),
        (r'reference:"back\\slash"', 2), ("subject:customer-7", 5), ("prediction:(yes OR no)", 10), ("probability:0.5..1", 10),
        ("probability.yes:..0.5 prediction:yes", 0), ("latency:>=0", 15), ("channel:form", 0), ("at:2020", 0), ("FR", 4), ("a-1", 2),
        ("%", 2), ("visits:3 OR visits:12", 6), ("at:2020-01..", 15), ("outcome:yes", 2), ("-outcome:yes", 2), ("has:outcome", 4), ("review:agree", 2), ("-review:agree", 1), ("has:review", 3), ("-has:outcome", 11),
        ("-(outcome:yes OR status:refused)", 2), ("outcome:yes -outcome:yes", 0), ("outcome:(yes OR no) age:44", 1),
    ],
)  # fmt: skip
def test_a_query_finds(cast, book, query, count):
    caller = cast["admin"].caller
    if query == "at:2020":
        with pytest.raises(InvalidQueryError, match="at is a time"):
            found(caller, query)
        return
    assert len(found(caller, query)) == count, query


def test_only_what_one_may_see_is_found(cast, book):
    assert len(found(cast["owner"].caller, "age:>60")) == 6
    assert len(found(cast["colleague"].caller, "age:>60")) == 6
    with pytest.raises(InvalidQueryError, match="There is no field age"):
        found(cast["stranger"].caller, "age:>60")
    with pytest.raises(InvalidQueryError, match="model is never churn"):
        found(cast["stranger"].caller, "model:churn")
    assert found(cast["stranger"].caller, "latency:>=0") == set()


TERMS = st.sampled_from([
    "age:>44", "age:61.5", "age:18..61.5", "visits:<=3", "visits:29", "country:FR", "country:(DE OR PL)", "has:age", "has:reference",
    "has:subject", "status:refused", "model:churn", "version:1", "caller:owner@example.com", "reference:a*", "reference:A-1", "FR", "1",
    "prediction:yes", "probability:>0.6", "outcome:yes", "outcome:no", "has:outcome", "review:agree", "review:unsure", "has:review", "probability.no:<0.5", "channel:api", "at:2026", "at:>2020-01", "latency:<0", "subject:c*7",
]).filter(lambda term: term != "at:2026")  # fmt: skip
QUERIES = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} OR {pair[1]})"),
        inner.map(lambda one: f"-({one})"),
    ),
    max_leaves=6,
)


def test_what_is_found_is_what_python_finds(cast, book):
    caller = cast["admin"].caller
    callers = {cast[who].id: cast[who].email for who in cast}

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(QUERIES)
    def compare(query):
        asked = search.read_query(caller, query)
        wanted = {one.id for one in book if holds(asked, one, callers) is True}
        assert found(caller, query) == wanted, query

    compare()


def holds(asked, record, callers):
    """Whether it is so: true, false, or None where a value is missing (as in SQL)."""
    match asked:
        case And(parts):
            answers = [holds(part, record, callers) for part in parts]
            return False if False in answers else None if None in answers else True
        case Or(parts):
            answers = [holds(part, record, callers) for part in parts]
            return True if True in answers else None if None in answers else False
        case Not(part):
            answer = holds(part, record, callers)
            return None if answer is None else not answer
        case Found(text):
            values = record.inputs.values() if record.status == "accepted" and record.inputs else []
            texts = [str(value) for value in values] + [record.reference or ""]
            return any(text.casefold() in one.casefold() for one in texts)
        case Condition(field, Present()):
            return value_of(field, record, callers) is not None
        case Condition(field, test):
            value = value_of(field, record, callers)
            return None if value is None else fits(value, test)


def fits(value, test):
    match test:
        case Equals(wanted):
            return value == wanted
        case Matches(pattern):
            return re.fullmatch(fnmatch.translate(pattern), value) is not None
        case Within(low, high, low_open, high_open):
            above, below = (
                (operator.gt if low_open else operator.ge),
                (operator.lt if high_open else operator.le),
            )
            return (low is None or above(value, low)) and (high is None or below(value, high))


def value_of(field, record, callers):
    part, *names = field.path
    if part in ("inputs", "output"):
        value = getattr(record, part)
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        if field.kind is Kind.NUMBER:
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None
        return value
    special = {
        "at": lambda: time_of(record.id), "caller": lambda: callers[record.actor_id], "version": lambda: record.model_version,
        "request": lambda: record.request_id, "probability": lambda: _probability(record),
        "latency": lambda: (record.answered_at - record.received_at).total_seconds() * 1000,
        "outcome": lambda: TRUE_OF.get(record.id), "review": lambda: SAID_OF.get(record.id),
    }  # fmt: skip
    return special[part]() if part in special else getattr(record, part)


def _probability(record):
    output = record.output if isinstance(record.output, dict) else {}
    return output.get("probabilities", {}).get(output.get("prediction"))


def test_dates_are_compared_as_days():
    assert conditions._bound(date(2026, 2, 3)) == "2026-02-03"


def test_examples_are_queries(cast, book):
    for who in cast:
        for example in search.examples(search.signatures_for(cast[who].caller)):
            search.read_query(cast[who].caller, example)


def test_a_field_that_changed_between_versions_is_asked_for_by_version(context, cast, monkeypatch):
    """In version 2 the age is a text."""
    from app.models import ModelVersion

    old = db.session.scalar(select(ModelVersion))
    later = {column.name: getattr(old, column.name) for column in ModelVersion.__table__.columns}
    inputs = [one | ({"type": "text", "minimum": None, "maximum": None, "observed": None, "typical": None} if one["name"] == "age" else {})
              for one in old.signature["inputs"]]  # fmt: skip
    db.session.add(
        ModelVersion(**later | {"number": 2, "signature": old.signature | {"inputs": inputs}})
    )
    db.session.flush()
    caller = cast["owner"].caller
    with pytest.raises(InvalidQueryError, match=r"age is a .* say which model or version you mean"):
        search.read_query(caller, "model:churn age:>3")
    search.read_query(caller, "Model:CHURN@1 age:>3")
    with pytest.raises(InvalidQueryError, match="age has no order"):
        search.read_query(caller, "model:churn@2 age:>3")


def test_who_has_a_value_is_asked_of_models_whose_answers_are_of_different_kinds(
    context, cast, book, client, tmp_path
):
    data = pd.DataFrame({"age": [1.0, 2.0, 3.0], "y": [10.0, 20.0, 30.0]})
    estimator = DummyRegressor().fit(data[["age"]], data["y"])
    register(write_model(tmp_path, estimator, data, "prices"), "prices", target="y")
    context.extensions["runtimes"].forget()
    answer = client.post(
        "/api/v1/models/prices/predictions",
        json={"inputs": [{"age": 2.0}, {"age": 3.0}]}, headers=cast["owner"].bearer,
    )  # fmt: skip
    first, _ = answer.get_json()["predictions"]
    reporting.report_outcomes(cast["owner"].caller, [Report(id=first["id"], value=21.5)])
    caller = cast["admin"].caller
    with pytest.raises(InvalidQueryError, match=r"outcome is a .* say which model or version"):
        found(caller, "outcome:21.5")
    assert len(found(caller, "has:outcome")) == 4 + 1
    assert len(found(caller, "-has:outcome")) == 11 + 1
    assert len(found(caller, "has:prediction has:age")) == 10 + 2
    assert {str(one) for one in found(caller, "model:prices has:outcome")} == {first["id"]}


def test_a_search_that_takes_too_long_says_so(context, cast, book, monkeypatch):
    monkeypatch.setattr(history, "PATIENCE_MS", 100)
    monkeypatch.setattr(history, "condition_of", lambda *_: text("pg_sleep(5) IS NULL"))
    with pytest.raises(InvalidQueryError, match="This takes too long: ask for less"):
        found(cast["admin"].caller, "age:>3")


@pytest.mark.parametrize(
    ("kind", "classes"), [("bool", ("false", "true")), ("float", ("0", "1")), ("int", ("0", "1"))]
)
def test_classes_that_are_no_texts_have_probabilities(
    context, client, cast, tmp_path, kind, classes
):
    data = customers()
    data["left"] = (data["left"] == "yes").astype(kind)
    register(write_model(tmp_path, churn_estimator(data), data, "odd"), "odd")
    url = "/api/v1/models/odd/predictions"
    assert client.post(url, json={"inputs": ROWS}, headers=cast["owner"].bearer).status_code == 201
    caller = cast["owner"].caller
    assert len(found(caller, "model:odd probability:0.5..1")) == 5
    no, yes = (found(caller, f"model:odd prediction:{one}") for one in classes)
    assert len(no | yes) == 5
    assert found(caller, f"model:odd probability.{classes[1]}:>0.5") == yes


HOSTILE = {'a"radius': 1, "radius": 2.5, 'x,"radius': 3, "text": ',"radius":7', "back": 'slash\\', "big": 1e300, "small": -1.5e-7, "é€": 4, "last": "5",
           "nothing": None, "yes": True, "zebra": -6}  # fmt: skip


@pytest.mark.parametrize("name", [*HOSTILE, "missing", "adius", 'radius"', ""])
def test_a_number_is_found_in_the_text_of_a_row_whatever_stands_beside_it(context, name):
    row = cast(literal(canonical.encode(HOSTILE).decode()), JSON)
    value = HOSTILE.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    assert db.session.scalar(select(search.number_in(row, name))) == (value if is_number else None)
