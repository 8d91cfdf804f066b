"""Ratios of what was measured within seconds of each other: a machine's speed varies by more than what is looked for."""

import math
from collections.abc import Iterable
from statistics import median
from typing import TypedDict


class Ratio(TypedDict):
    """The median of some pairs' ratios, and between which of them it lies with 95 % (six pairs at least)."""

    pairs: int
    median: float
    low: float
    high: float


def ratio_of_pairs(ones: Iterable[float], others: Iterable[float]) -> Ratio:
    """Compare each figure with its neighbour.

    The interval needs no assumption but that pairs are independent: Conover, Practical Nonparametric Statistics, 3.2.

    Raises:
        ValueError: if some have no neighbour.
    """
    ratios = sorted(one / other for one, other in zip(ones, others, strict=True))
    aside = 1.96 * math.sqrt(len(ratios)) / 2
    low = max(0, math.floor(len(ratios) / 2 - aside))
    return {
        "pairs": len(ratios), "median": median(ratios),
        "low": ratios[low], "high": ratios[len(ratios) - 1 - low],
    }  # fmt: skip
