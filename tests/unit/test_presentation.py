"""How values look."""

from uuid import UUID

import pytest

from app import presentation


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (231500.0, "231,500"), (231500, "231,500"), (0.0, "0"), (3.14159265, "3.1416"),
        (0.000012345, "1.234e-05"), (0.12345678, "0.1235"), (-1234.5, "-1,234.5000"),
        (1e20, "1e+20"), (7, "7"),
    ],
)  # fmt: skip
def test_numbers_are_grouped_and_short(given, shown):
    assert presentation.number(given) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.5, "50.0 %"), (1.0, "100.0 %"), (0.0, "0.0 %"), (0.99999, "> 99.9 %"), (1e-9, "< 0.1 %")],
)
def test_an_uncertain_probability_is_never_shown_as_certain(share, shown):
    assert presentation.percent(share) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0000234, "23 µs"), (0.0123, "12.3 ms"), (2.5, "2.50 s")]
)
def test_durations_have_a_fitting_unit(seconds, shown):
    assert presentation.duration(seconds) == shown


@pytest.mark.parametrize(
    ("output", "unit", "shown"),
    [
        ({"prediction": 231500.25}, "USD", "231,500 USD"),
        ({"prediction": "benign"}, None, "benign"),
        ({"prediction": 7}, None, "7"),
        ({"prediction": True}, None, "True"),
        ({"title": "x"}, None, "no answer"),
        (None, None, "no answer"),
    ],
)
def test_answers_are_shown_in_few_words(output, unit, shown):
    assert presentation.answer(output, unit) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [(None, "missing"), (True, "yes"), (44, "44"), (12345, "12,345"), (0.1, "0.1"), ("a", "a")],
)
def test_inputs_are_shown_as_stored(given, shown):
    assert presentation.value(given) == shown


def test_short_identifiers_show_the_end():
    identifier = UUID("01a1fb10-afac-75f5-b9d3-a946c28e1350")
    assert presentation.short(identifier) == "…c28e1350"


def test_bars_fit_their_plot():
    for counts in ([0] * 30, [5, 0, 10], [1] * 30, [10**9, 1]):
        bars = presentation.bars(counts)
        assert len(bars) == len(counts)
        for bar in bars:
            assert 0 <= bar["y"] <= 24
            assert bar["y"] + bar["height"] == pytest.approx(24, abs=0.02)
            assert bar["x"] + bar["width"] <= 100.01
