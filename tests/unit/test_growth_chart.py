"""The plot of the book's growth."""

from datetime import UTC, datetime, timedelta

from app.audit.chart import step_chart

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def test_it_goes_up_in_steps_from_the_lower_left_to_the_upper_right():
    points = [(BEGIN, 50), (BEGIN + timedelta(hours=1), 50), (BEGIN + timedelta(hours=2), 100)]
    assert step_chart(points) == "M0 120 H0.0 V60.0 H300.0 V60.0 H600.0 V0.0 H600"


def test_one_point_and_none_are_drawn_too():
    assert step_chart([]) == ""
    assert step_chart([(BEGIN, 7)]) == "M0 120 H0.0 V0.0 H600"
