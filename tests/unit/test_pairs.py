"""Ratios of neighbours."""

import pytest

from benchmarks.pairs import ratio_of_pairs


def test_the_interval_of_twenty_pairs_lies_between_the_sixth_and_the_fifteenth():
    """Conover, 3.2: 20 / 2 - 1.96 * sqrt(20) / 2 is 5.6, so five are left out on either side."""
    found = ratio_of_pairs(range(1, 21), [1] * 20)
    assert found == {"pairs": 20, "median": 10.5, "low": 6, "high": 15}


def test_each_figure_is_compared_with_its_neighbour():
    assert ratio_of_pairs([3000, 10, 200], [1500, 5, 100])["low"] == 2
    assert ratio_of_pairs([3000, 10, 200], [5, 100, 1500])["high"] == 600


def test_a_figure_without_a_neighbour_is_not_compared():
    with pytest.raises(ValueError, match="shorter"):
        ratio_of_pairs([1, 2], [1])
