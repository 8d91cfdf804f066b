"""The schedule: every job at once, then each when its time has come."""

import time

import pytest
from flask import Flask

from app.jobs import schedule
from app.jobs.make_partitions import make_partitions


@pytest.fixture
def runs(monkeypatch):
    """What ran, with two made-up jobs in place of the real ones."""
    done = []

    def hourly():
        done.append("hourly")

    def daily():
        done.append("daily")

    monkeypatch.setattr(schedule, "SCHEDULE", {hourly: 3600, daily: 86_400})
    return done


def test_each_job_runs_at_once_and_again_when_it_is_due(runs, monkeypatch):
    app, due, start = Flask("jobs"), {}, time.monotonic()
    for hours, expected in [
        (0, ["hourly", "daily"]),
        (0.5, []),
        (1.1, ["hourly"]),
        (24.2, ["hourly", "daily"]),
    ]:
        monkeypatch.setattr(schedule.time, "monotonic", lambda h=hours: start + h * 3600)
        runs.clear()
        assert schedule.run_due_jobs(app, due) == []
        assert runs == expected


def test_partitions_are_made_once_a_day():
    assert schedule.SCHEDULE[make_partitions] == 86_400
