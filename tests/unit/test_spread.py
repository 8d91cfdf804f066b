"""Bars hold every value once, between round numbers."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query.spread import Bar, counted, histogram, time_histogram

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def holds_each_once(bars, values):
    assert sum(bar.count for bar in bars) == len(values)
    assert all(one.high == other.low for one, other in pairwise(bars))
    for bar in bars:
        assert bar.low < bar.high
        assert bar.count == sum(bar.low <= value < bar.high for value in values)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_bars_of_any_numbers_hold_each_once(values):
    bars = histogram(values)
    holds_each_once(bars, values)
    assert len(bars) <= 20


@given(st.lists(st.integers(-50, 50).map(lambda n: n / 10), min_size=1))
def test_bars_of_numbers_at_round_edges_hold_each_once(values):
    holds_each_once(histogram(values), values)


@given(st.lists(MOMENTS, min_size=1))
def test_bars_of_any_moments_hold_each_once(moments):
    bars = time_histogram(moments)
    holds_each_once(bars, moments)
    assert len(bars) <= 60


def test_edges_are_round_numbers():
    bars = histogram([n / 7 for n in range(701)])
    assert [bar.low for bar in bars][:4] == [0, 10, 20, 30]
    assert [bar.low for bar in histogram([0.1, 0.2, 0.3, 0.95], 11)][:3] == [0.1, 0.2, 0.3]


def test_edges_of_time_are_hours_days_or_weeks():
    start = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    bars = time_histogram([start + timedelta(minutes=n) for n in range(0, 90, 5)], most=12)
    assert bars[0] == Bar(start, start + timedelta(minutes=15), 3)
    days = time_histogram([start, start + timedelta(days=40)])
    assert {bar.high - bar.low for bar in days} == {timedelta(days=1)}
    assert days[0].low == datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize("bars", [histogram, time_histogram])
def test_nothing_has_no_bars(bars):
    assert bars([]) == []


def test_the_most_frequent_values_come_first():
    assert counted("abracadabra", 3) == [("a", 5), ("b", 2), ("r", 2)]
