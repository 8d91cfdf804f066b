"""Outcomes: what turned out to be true is kept with its history, by those who may see the prediction."""

import pytest
from sqlalchemy import func, select

from app.access import OPERATOR
from app.extensions import db
from app.models import Outcome, Prediction, Status
from app.services import erasure, outcomes, reporting
from app.services.errors import ConflictError, InvalidInputsError, UnknownThingError
from app.services.outcome_tables import report_table
from app.services.reporting import Fate, Report
from ml.truth import read_written_truth
from tests.support.asking import ask
from tests.support.history import record_some


@pytest.fixture
def asked(context, cast):
    return ask(context, cast["owner"], rows=4, references=["A", "B", "twice", "twice"])


def count():
    return db.session.scalar(select(func.count()).select_from(Outcome))


def test_a_correction_is_kept_beside_what_it_corrects(asked, cast):
    for value, fate in (("yes", Fate.RECORDED), ("yes", Fate.UNCHANGED), ("no", Fate.RECORDED), ("yes", Fate.RECORDED)):  # fmt: skip
        result = reporting.report_outcome(cast["colleague"].caller, asked[0], value)
        assert (result.fate, result.prediction_id) == (fate, asked[0])
    record = db.session.get(Prediction, asked[0])
    assert [one.value for one in outcomes.outcomes_of(record)] == ["yes", "no", "yes"]
    assert outcomes.newest_outcomes(asked)[asked[0]].value == "yes"
    assert {one.actor_id for one in outcomes.outcomes_of(record)} == {cast["colleague"].id}


def test_a_value_that_the_model_cannot_answer_is_refused(asked, cast):
    with pytest.raises(InvalidInputsError, match="Give one of: no, yes") as refused:
        reporting.report_outcome(cast["owner"].caller, asked[0], "perhaps")
    assert refused.value.errors[0].pointer == "/outcome"
    assert count() == 0


def test_strangers_report_nothing(asked, cast):
    with pytest.raises(UnknownThingError):
        reporting.report_outcome(cast["stranger"].caller, asked[0], "yes")
    results = reporting.report_outcomes(
        cast["stranger"].caller,
        [Report(id=str(asked[0]), value="yes"), Report(reference="A", value="yes")],
    )
    assert [result.fate for result in results] == [Fate.REFUSED] * 2
    assert len({result.why for result in results}) == 1, "what is not there looks alike"
    assert count() == 0


def test_what_was_not_answered_or_is_erased_has_no_outcome(context, client, cast):
    records = record_some(client, cast)
    refused = next(one for one in records if one.status == Status.REFUSED)
    erased = next(one for one in records if one.status == Status.ACCEPTED and one.output is None)
    for record, why in ((refused, "not answered"), (erased, "erased")):
        with pytest.raises(ConflictError, match=why):
            reporting.report_outcome(cast["admin"].caller, record.id, "yes")


def test_each_report_has_its_own_fate(asked, cast):
    reports = [
        Report(id=str(asked[0]), value="yes"), Report(id=str(asked[0]), value="yes"), Report(id=str(asked[0]).upper(), value="no"),
        Report(reference="B", value="no"), Report(reference="twice", value="no"), Report(id="nonsense", value="no"),
        Report(value="no"), Report(id=str(asked[2]), value="perhaps"), Report(reference="unknown", value="no"),
    ]  # fmt: skip
    results = reporting.report_outcomes(cast["owner"].caller, reports)
    assert [result.fate for result in results] == [
        Fate.RECORDED, Fate.UNCHANGED, Fate.RECORDED, Fate.RECORDED, *[Fate.REFUSED] * 5
    ]  # fmt: skip
    told = [result.why or "" for result in results[4:]]
    for why, words in zip(told, ("Several records have", "no identifier", "Name the record", "Give one of", "no such prediction"), strict=True):  # fmt: skip
        assert words in why
    assert count() == 3


def test_more_than_one_part_of_a_long_list_is_recorded(context, cast, monkeypatch):
    monkeypatch.setattr(reporting, "_AT_ONCE", 2)
    ids = ask(context, cast["owner"], rows=5)
    results = reporting.report_outcomes(
        cast["owner"].caller, [Report(id=str(one), value="no") for one in ids]
    )
    assert [result.prediction_id for result in results] == ids
    assert count() == 5


def test_erasing_a_prediction_erases_its_outcomes(asked, cast):
    reporting.report_outcome(cast["owner"].caller, asked[0], "yes")
    erasure.erase_prediction(asked[0], basis="x", actor_id=None)
    (outcome,) = outcomes.outcomes_of(db.session.get(Prediction, asked[0]))
    assert (outcome.value, outcome.value_salt) == (None, None)
    assert outcome.value_commitment
    assert erasure.erasure_of(outcome.id).what["parts"] == ["value"]


def test_a_table_may_be_an_export_with_one_more_column(asked, cast):
    table = (
        f'﻿"id";"model";"Outcome"\r\n"{asked[0]}";"churn";"Yes"\r\n"{asked[1]}";"churn";""\r\n'
        f'"{asked[2]}";"churn";"perhaps"\r\n'
    )
    lines = report_table(cast["owner"].caller, table.encode())
    assert [(line.number, line.result.fate) for line in lines] == [
        (2, Fate.RECORDED), (4, Fate.REFUSED)
    ]  # fmt: skip


def test_a_reference_is_read_as_an_export_wrote_it(context, cast):
    ask(context, cast["owner"], rows=1, references=["=1+1"])
    (line,) = report_table(cast["owner"].caller, b"reference,outcome\n'=1+1,no\n")
    assert line.result.fate is Fate.RECORDED


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "names no column outcome"), (b"id,result\n", "names no column outcome"), (b"outcome\nyes\n", "id or reference"),
        (b"id,outcome\n\xff", "not in UTF-8, from byte 11"), (b'id,outcome\n"a', "Line 2 is not CSV"),
        (b"id,outcome\n" + b"x,yes\n" * 10_001, "at most 10,000"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_outcomes_is_refused(context, cast, content, why):
    with pytest.raises(InvalidInputsError, match=why):
        report_table(cast["owner"].caller, content)


def test_the_operator_reports_too(asked):
    result = reporting.report_outcome(OPERATOR, asked[0], "no", read=read_written_truth)
    assert result.outcome.actor_id is None


def test_many_are_reported_in_few_statements(context, cast, statements):
    ids = ask(context, cast["owner"], rows=200)
    reports = [Report(id=str(one), value="no") for one in ids[:100]]
    reports += [Report(id=str(one), value="perhaps") for one in ids[100:]]
    statements.clear()
    reporting.report_outcomes(cast["owner"].caller, reports)
    others = [one for one in statements if "advisory" not in one]
    assert len(others) < 12, "\n".join(others)


def test_a_reference_of_many_records_is_not_read_whole(context, cast, statements):
    ask(context, cast["owner"], rows=50, references=["same"] * 50)
    statements.clear()
    (result,) = reporting.report_outcomes(
        cast["owner"].caller, [Report(reference="same", value="no")]
    )
    assert result.why == "Several records have this reference: name one by its id."
    assert any("LIMIT" in one for one in statements)


@pytest.mark.parametrize("reference", ["a\x00b", "x" * 5_000, "' OR 1=1", "\ud7ff"])
def test_a_strange_reference_is_unknown(context, cast, reference):
    (result,) = reporting.report_outcomes(
        cast["owner"].caller, [Report(reference=reference, value="no")]
    )
    assert "no such prediction" in result.why


def test_of_two_columns_of_outcomes_the_last_one_counts(asked, cast):
    table = f"id,outcome,outcome\n{asked[0]},,yes\n"
    (line,) = report_table(cast["owner"].caller, table.encode())
    assert (line.value, line.result.fate) == ("yes", Fate.RECORDED)
    with pytest.raises(InvalidInputsError, match="names the column id twice"):
        report_table(cast["owner"].caller, b"id,id,outcome\n")
