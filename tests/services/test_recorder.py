"""Batches: a row that fails does not fail its neighbours; a large request is recorded whole or not at all."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import psycopg2
import pytest
from sklearn.base import BaseEstimator
from sqlalchemy import select

from app import metrics
from app.database.book import Transaction
from app.extensions import db
from app.identifiers import new_id
from app.ledger.canonical import CanonicalFormError
from app.models import Channel, Prediction, Status
from app.recorder import AuthorityLostError, Kept, Key, Submitted, Target, Unanswered, scoring
from app.recorder.queue import LARGE
from app.recorder.statements import CLAIM, RECORD
from app.recorder.tickets import Ticket
from app.services.predictions import begin_attempt
from ml.runtime import ModelFailedError, Runtime
from tests.support.cast import GOOD_ROW


class Moody(BaseEstimator):
    """A model that does not like everybody's age."""

    feature_names_in_ = np.array(["age", "visits", "country"])

    def predict_proba(self, frame):
        if (frame["age"] == 66).any():
            raise ValueError("nobody is 66")
        yes = np.where(frame["age"] == 77, np.nan, 0.25)
        return np.column_stack([1 - yes, yes])


def ticket_of(caller, version, *ages):
    rows = version.runtime.validator.parse_json([GOOD_ROW | {"age": age} for age in ages])
    none = [None] * len(rows)
    return Ticket(
        attempt=begin_attempt(caller, Channel.API, new_id()), target=version, key=None, size=0,
        work=Submitted(rows=rows, references=none, subjects=none), deadline=float("inf"),
    )  # fmt: skip


@pytest.fixture
def answer(context, cast):
    """Returns what becomes of rows of these ages that are answered together."""
    runtimes, caller = context.extensions["runtimes"], cast["owner"].caller
    loaded = runtimes.version(runtimes.entry(caller, "churn"))
    moody = replace(loaded, runtime=Runtime(Moody(), loaded.runtime.signature))

    def answer(*ages):
        tickets = [ticket_of(caller, moody, age) for age in ages]
        context.extensions["recorder"]._process(tickets)
        return [type(one.error) if one.error else one.result[0].parts["output"] for one in tickets]

    return answer


@pytest.mark.parametrize("bad", [66.0, 77.0], ids=["raises", "answers NaN"])
def test_a_row_that_fails_does_not_fail_its_neighbours(answer, bad):
    (alone,) = answer(44.0)
    assert b'"yes":0.25' in alone
    assert answer(44.0, bad, 45.0, bad) == [alone, ModelFailedError, alone, ModelFailedError]


def observations(histogram):
    (found,) = histogram.collect()
    return next(sample.value for sample in found.samples if sample.name.endswith("_count"))


def test_the_wait_of_a_batch_is_counted_whether_it_writes_or_not(answer):
    before = observations(metrics.QUEUE_WAIT)
    answer(44.0)
    answer(66.0)
    assert observations(metrics.QUEUE_WAIT) == before + 2


@pytest.mark.parametrize("keyed", [False, True], ids=["without a key", "with a key"])
def test_the_time_to_write_and_commit_is_counted_once_for_each_batch_that_writes(
    context, cast, keyed
):
    def counted():
        return [observations(one) for one in (metrics.COMMITTING, metrics.QUEUE_WAIT)]

    def process(age):
        ticket = ticket_of(caller, moody, age)
        ticket.key = Key.of(caller.user_id, "order 9", b"churn/active", b"{}") if keyed else None
        context.extensions["recorder"]._process([ticket])
        return ticket

    runtimes, caller = context.extensions["runtimes"], cast["owner"].caller
    loaded = runtimes.version(runtimes.entry(caller, "churn"))
    moody = replace(loaded, runtime=Runtime(Moody(), loaded.runtime.signature))
    commits, waits = counted()
    assert isinstance(process(66.0).error, ModelFailedError)
    assert counted() == [commits, waits + 1]
    assert process(44.0).error is None
    assert counted() == [commits + 1, waits + 2]
    if keyed:
        assert isinstance(process(44.0).result, Kept)
        assert counted() == [commits + 1, waits + 3]


def test_who_was_told_an_error_is_not_recorded_when_the_others_are_tried_again(
    context, cast, monkeypatch
):
    runtimes, caller = context.extensions["runtimes"], cast["owner"].caller
    recorder = context.extensions["recorder"]
    loaded = runtimes.version(runtimes.entry(caller, "churn"))
    moody = replace(loaded, runtime=Runtime(Moody(), loaded.runtime.signature))
    tickets = [ticket_of(caller, moody, age) for age in (44.0, 66.0, 45.0)]
    call = recorder._book.call

    def call_when_the_mood_is_better(*given):
        monkeypatch.setattr(Moody, "predict_proba", lambda _, frame: np.full((len(frame), 2), 0.5))
        monkeypatch.setattr(recorder._book, "call", call)
        raise psycopg2.DataError

    monkeypatch.setattr(recorder._book, "call", call_when_the_mood_is_better)
    recorder._process(tickets)
    assert [type(one.error) for one in tickets] == [type(None), ModelFailedError, type(None)]
    assert [len(stored(one)) for one in tickets] == [1, 0, 1]


ROWS = 3 * LARGE + 7


@pytest.fixture
def large(context, cast):
    """A large request, and what answers it."""
    runtimes, caller = context.extensions["runtimes"], cast["owner"].caller
    version = runtimes.version(runtimes.entry(caller, "churn"))
    return ticket_of(caller, version, *(20.0 + n / 100 for n in range(ROWS)))


def stored(ticket):
    query = select(Prediction).where(Prediction.request_id == ticket.attempt.request_id)
    return list(db.session.scalars(query.order_by(Prediction.id)))


def test_a_large_request_is_recorded_whole_and_in_its_order(context, large):
    context.extensions["recorder"]._process([large])
    found = stored(large)
    assert [record.row for record in found] == list(range(ROWS))
    assert [record.inputs["age"] for record in found] == [row["age"] for row in large.work.rows]
    assert [record.id for record in found] == [UUID(one.facts.id) for one in large.result]


def test_of_a_large_request_that_fails_in_its_middle_nothing_is_recorded(
    context, large, monkeypatch
):
    make = scoring.make_record

    def make_or_fail(*given, row, **facts):
        if row == 2 * LARGE + 1:
            raise CanonicalFormError("it has no canonical form")
        return make(*given, row=row, **facts)

    monkeypatch.setattr(scoring, "make_record", make_or_fail)
    context.extensions["recorder"]._process([large])
    assert type(large.error) is ModelFailedError
    assert stored(large) == []


def test_a_large_request_that_nobody_waits_for_any_more_is_not_recorded(context, large):
    large.abandoned = True
    context.extensions["recorder"]._process([large])
    assert large.result is None
    assert stored(large) == []


@pytest.mark.parametrize("fails_at", [1, 2, 4], ids=["first part", "second part", "last part"])
def test_a_large_request_whose_connection_breaks_is_recorded_once(
    context, large, monkeypatch, fails_at
):
    call, calls = Transaction.call, []

    def call_or_break(self, *given):
        calls.append(given)
        told = call(self, *given)
        if len(calls) == fails_at:
            raise psycopg2.OperationalError("server closed the connection unexpectedly")
        return told

    monkeypatch.setattr(Transaction, "call", call_or_break)
    context.extensions["recorder"]._process([large])
    assert len(calls) > fails_at
    assert [record.row for record in stored(large)] == list(range(ROWS))
    assert len(large.result) == ROWS


def test_of_a_large_request_whose_caller_loses_authority_in_its_middle_nothing_is_recorded(
    context, large, monkeypatch
):
    call, calls = Transaction.call, []

    def call_or_refuse(self, statement, parameters, *work):
        calls.append(statement)
        told = call(self, statement, parameters, *work)
        return [([0],)] if len(calls) == 3 else told

    monkeypatch.setattr(Transaction, "call", call_or_refuse)
    context.extensions["recorder"]._process([large])
    assert type(large.error) is AuthorityLostError
    assert len(calls) == 3
    assert stored(large) == []


def test_a_large_request_makes_the_month_that_it_needs(context, large, monkeypatch):
    recorder, made = context.extensions["recorder"], []
    call = Transaction.call

    def call_or_miss(self, *given):
        if not made:
            raise psycopg2.errors.CheckViolation(
                "no partition of relation predictions found for row"
            )
        return call(self, *given)

    monkeypatch.setattr(Transaction, "call", call_or_miss)
    monkeypatch.setattr(recorder._book, "call", lambda *given: made.append(given))
    recorder._process([large])
    assert len(made) == 1
    assert len(stored(large)) == ROWS


def test_a_large_request_waits_for_its_own_lost_transaction_rather_than_refuse_its_own_key(
    context, cast, large, monkeypatch
):
    large.key = Key.of(cast["owner"].id, "order 7", b"churn/active", b"{}")
    call, lost = Transaction.call, []

    def call_and_lose(self, statement, parameters, *work):
        if statement == CLAIM and lost == ["broken"]:
            lost.append("claimed")
            return [(0, "taken", None, None)]
        told = call(self, statement, parameters, *work)
        if statement == RECORD and not lost:
            lost.append("broken")
            raise psycopg2.OperationalError("server closed the connection unexpectedly")
        return told

    monkeypatch.setattr(Transaction, "call", call_and_lose)
    context.extensions["recorder"]._process([large])
    assert lost == ["broken", "claimed"]
    assert large.error is None
    assert len(stored(large)) == ROWS


def test_what_was_sent_and_has_no_canonical_form_is_left_out_of_its_record(context, cast):
    """Such a request must not keep the records of others from being made."""
    work = Unanswered(
        status=Status.REFUSED, inputs=[{"age": float("inf")}], problem={"title": "It is refused."}
    )
    attempt = begin_attempt(cast["owner"].caller, Channel.API, new_id())
    (record,) = context.extensions["recorder"].record_unanswered(attempt, Target(), work, size=0)
    stored = db.session.get(Prediction, UUID(str(record.facts.id)))
    assert (stored.status, stored.inputs, stored.output) == (
        "refused",
        None,
        {"title": "It is refused."},
    )
