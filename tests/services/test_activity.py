"""Counting without counting the book."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app import identifiers
from app.extensions import db
from app.jobs.count_predictions import count_predictions
from app.models import CountedUntil, PredictionCount
from app.recorder import Attempt, Submitted
from app.services import activity, registry
from app.services.activity import activity_of, count_finished_spans
from tests.support.cast import GOOD_ROW

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@pytest.fixture
def record_at(context, cast, monkeypatch):
    """Returns a function that records rows as if it were another time."""
    version = _target(context, cast["owner"].caller)
    row = version.runtime.validator.parse_json([GOOD_ROW])[0]
    db.session.commit()

    def record(moment, count=1):
        ns = int(moment.timestamp() * 1e9)
        monkeypatch.setattr(identifiers.time, "time_ns", lambda: ns)
        attempt = Attempt(
            actor_id=str(cast["owner"].id), token_id=None, role="analyst", channel="api",
            arrival=moment,
        )  # fmt: skip
        none = [None] * count
        rows = Submitted(rows=[row] * count, references=none, subjects=none)
        context.extensions["recorder"].record(attempt, version, rows)

    return record


def by_day(now=NOW):
    model = registry.get_model("churn").id
    return activity_of([model], now)[model].by_day


def test_records_are_counted_by_day_before_and_after_the_roll_up(record_at):
    record_at(NOW - timedelta(days=40), 7)
    record_at(NOW - timedelta(days=29), 3)
    record_at(NOW - timedelta(days=1), 4)
    record_at(NOW, 5)
    expected = [3] + [0] * 27 + [4, 5]
    assert by_day() == expected
    assert count_finished_spans(NOW) == 3
    db.session.commit()
    assert by_day() == expected
    assert count_finished_spans(NOW) == 0


def test_the_span_that_is_not_over_is_not_rolled_up(record_at):
    record_at(NOW - timedelta(minutes=1))
    record_at(NOW)
    assert count_finished_spans(NOW) == 0
    assert by_day()[-1] == 2
    count_finished_spans(NOW + timedelta(minutes=7))
    assert [c.count for c in db.session.scalars(select(PredictionCount))] == [1, 1]
    assert by_day()[-1] == 2


def test_a_pause_of_years_is_skipped_at_once(record_at):
    record_at(NOW - timedelta(days=3000))
    record_at(NOW - timedelta(hours=3))
    assert count_finished_spans(NOW) == 2
    assert db.session.scalars(select(CountedUntil.moment)).all() == [NOW - timedelta(minutes=5)]


def test_a_long_backlog_is_counted_in_parts(record_at, monkeypatch):
    monkeypatch.setattr(activity, "_AT_ONCE", 2)
    for hours in (5, 4, 3):
        record_at(NOW - timedelta(hours=hours))
    assert [count_finished_spans(NOW) for _ in range(3)] == [2, 1, 0]
    assert by_day()[-1] == 3


def test_a_clock_that_jumped_ahead_and_back_loses_no_count(record_at):
    record_at(NOW - timedelta(hours=1))
    count_finished_spans(NOW + timedelta(days=1))
    record_at(NOW)
    assert count_finished_spans(NOW) == 0
    assert by_day(NOW + timedelta(days=2))[-3] == 1


def test_no_models_have_no_activity(context):
    assert activity_of([], NOW) == {}


def test_a_model_without_records_has_zeros_and_no_latency(context):
    model = registry.get_model("churn").id
    found = activity_of([model], NOW)[model]
    assert (set(found.by_day), found.latency, found.today) == ({0}, None, 0)


def test_latency_is_the_median_of_the_last_answers(record_at):
    record_at(NOW, 3)
    model = registry.get_model("churn").id
    assert 0 < activity_of([model], NOW)[model].latency < 1


def test_the_job_counts_once(record_at):
    record_at(datetime.now(UTC) - timedelta(hours=5))
    count_predictions()
    count_predictions()
    assert [c.count for c in db.session.scalars(select(PredictionCount))] == [1]


def _target(app, caller):
    runtimes = app.extensions["runtimes"]
    return runtimes.version(runtimes.entry(caller, "churn"))
