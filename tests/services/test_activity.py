"""Counting without counting the book."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app import identifiers
from app.extensions import db
from app.jobs.count_predictions import count_predictions
from app.models import CountedHour, PredictionCount
from app.recorder import Attempt, Submitted
from app.services import registry
from app.services.activity import activity_of, count_finished_hours
from tests.support.cast import GOOD_ROW

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@pytest.fixture
def record_at(context, cast, monkeypatch):
    """Returns a function that records rows as if it were another time."""
    version = context.extensions["runtimes"].target(cast["owner"].caller, "churn")
    row = version.runtime.validator.parse_json([GOOD_ROW])[0]
    db.session.commit()

    def record(moment, count=1):
        ns = int(moment.timestamp() * 1e9)
        monkeypatch.setattr(identifiers.time, "time_ns", lambda: ns)
        attempt = Attempt(
            actor_id=cast["owner"].id, token_id=None, channel="api", received_at=moment
        )
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
    assert count_finished_hours(NOW) == 3
    db.session.commit()
    assert by_day() == expected
    assert count_finished_hours(NOW) == 0


def test_the_hour_that_is_not_over_is_not_rolled_up(record_at):
    record_at(NOW - timedelta(minutes=5))
    record_at(NOW - timedelta(minutes=25))
    count_finished_hours(NOW)
    assert not db.session.scalars(select(PredictionCount)).all()
    assert by_day()[-1] == 2
    count_finished_hours(NOW + timedelta(hours=1))
    assert [c.count for c in db.session.scalars(select(PredictionCount))] == [2]


def test_a_pause_of_years_is_skipped_at_once(record_at):
    record_at(NOW - timedelta(days=3000))
    record_at(NOW - timedelta(hours=3))
    assert count_finished_hours(NOW) == 2
    assert db.session.scalars(select(CountedHour.hour)).all() == [NOW.replace(hour=11, minute=0)]


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
