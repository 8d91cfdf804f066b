"""How values are spread: counts of the same, bars between round numbers, bars between round times."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Generic, TypeVar

T = TypeVar("T", float, datetime)
_STEPS = (1, 2, 2.5, 5, 10)
#: Bars are not narrower than this, nor than this share of the values: their edges would not differ.
_LEAST, _FINEST = 1e-300, 1e-10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = (
    1,
    5,
    15,
    60,
    300,
    900,
    3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    86400,
    7 * 86400,
    28 * 86400,
    91 * 86400,
)


@dataclass(frozen=True)
class Bar(Generic[T]):
    """How many values lie from `low` to before `high`."""

    low: T
    high: T
    count: int


def counted(values: Iterable[str], most: int) -> list[tuple[str, int]]:
    """Return the most frequent values with their counts, those that are as frequent in their own order."""
    counts = Counter(values)
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]


def histogram(values: Sequence[float], most: int = 20) -> list[Bar[float]]:
    """Return at most so many bars of one width between round numbers that hold all values; none without values."""
    if not values:
        return []
    low, high = min(values), max(values)
    width = (high - low) / (most - 2) or abs(low) / 10 or 1.0
    if not max(_LEAST, max(abs(low), abs(high)) * _FINEST) < width < math.inf:
        return [
            Bar(low, math.nextafter(high, math.inf), len(values))
        ]  # No round numbers lie between.
    step = _round_step(width)
    first, last = math.floor(low / step), math.floor(high / step) + 1
    first -= _rounded(first * step) > low  # By what the division was rounded.
    last += _rounded(last * step) <= high
    return _bars(values, [_rounded(n * step) for n in range(first, last + 1)])


def time_histogram(moments: Sequence[datetime], most: int = 60) -> list[Bar[datetime]]:
    """Return at most so many bars between round times in UTC that hold all moments; none without moments."""
    if not moments:
        return []
    low, high = (_seconds(moment) for moment in (min(moments), max(moments)))
    step = next((s for s in _SECONDS if high // s - low // s < most), None)
    if step is None:
        step = _SECONDS[-1] * math.ceil((high - low) / (most - 1) / _SECONDS[-1])
    edges = [n * step for n in range(low // step, high // step + 2)]
    bars = _bars([_seconds(moment) for moment in moments], edges)
    return [Bar(_moment(bar.low), _moment(bar.high), bar.count) for bar in bars]


def _bars(values: Sequence[T], edges: Sequence[T]) -> list[Bar[T]]:
    """Count values between edges that rise and hold them all."""
    counts = Counter(bisect_right(edges, value) for value in values)
    return [Bar(low, high, counts[n]) for n, (low, high) in enumerate(pairwise(edges), 1)]


def _round_step(least: float) -> float:
    """Return the smallest round number that is not less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * step for step in _STEPS if power * step >= least * (1 - 1e-9))


def _rounded(number: float) -> float:
    """Return a multiple of a round number without what binary fractions added to it."""
    return float(f"{number:.12g}")


def _seconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1)


def _moment(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)
