"""How well answers did, once it is known what was true: metrics with their 95 % confidence intervals.

Proportions have Wilson's interval (1927), means the normal one, the area under the ROC curve that of Hanley and
McNeil (1982), the Brier score (1950) that of the mean of its terms. All say how much chance there is in a number of
answers; they know nothing of why some answers have an outcome and others have none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

_Z = 1.959963984540054
_BINS = 10
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A metric, and the bounds of its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """How well one class was told from the others; None where there is nothing to tell it by.

    `support` is how many turned out to be of it.
    """

    name: str
    support: int
    precision: Estimate | None
    recall: Estimate | None
    roc_auc: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Answers of about the same probability: how many, their mean probability, and how often it came true."""

    count: int
    predicted: float
    observed: Estimate


def proportion(hits: int, count: int) -> Estimate | None:
    """Return a share with Wilson's interval; None of nothing."""
    if count == 0:
        return None
    share, spread = hits / count, _Z * _Z / count
    middle = share + spread / 2
    half = _Z * sqrt(share * (1 - share) / count + spread / (4 * count))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return Estimate(share, max(0.0, min(low, share)), min(1.0, max(high, share)))


def mean(values: Numbers) -> Estimate | None:
    """Return a mean with the normal interval; one value alone has no bounds but itself."""
    if not len(values):
        return None
    middle = float(np.mean(values))
    half = _Z * float(np.std(values, ddof=1)) / sqrt(len(values)) if len(values) > 1 else 0.0
    return Estimate(middle, middle - half, middle + half)


def accuracy(truth: Sequence[str], answered: Sequence[str]) -> Estimate | None:
    """Return how often the answer was true."""
    return proportion(sum(map(str.__eq__, truth, answered)), len(truth))


def brier_score(
    truth: Sequence[str], probabilities: Sequence[Mapping[str, float]]
) -> Estimate | None:
    """Return the mean squared distance of probabilities from what was true: 0 is best.

    Of an answer with two classes it is that of one of them, as is usual; with more the sum over all.

    Args:
        truth: what turned out to be true.
        probabilities: of each answer, by class.
    """
    terms = [_distance(*pair) for pair in zip(truth, probabilities, strict=True)]
    highest = 1.0 if all(len(shares) == 2 for shares in probabilities) else 2.0
    return _within(mean(np.array(terms)), 0.0, highest)


def _distance(true: str, shares: Mapping[str, float]) -> float:
    """Return the squared distance of one answer's probabilities from what was true."""
    whole = sum((share - (name == true)) ** 2 for name, share in shares.items())
    missed = 0.0 if true in shares else 1.0
    return (whole + missed) / (2 if len(shares) == 2 else 1)


def by_class(
    classes: Sequence[str], truth: Sequence[str], answered: Sequence[str], table: Numbers | None
) -> list[ClassMetrics]:
    """Return precision, recall and ROC AUC of each class against all others.

    Args:
        classes: in the order of the columns.
        truth: what turned out to be true.
        answered: what was answered.
        table: probabilities, shape (answers, classes); None if there are none.
    """
    true, said, found = np.array(truth), np.array(answered), []
    for at, name in enumerate(classes):
        is_so, was_said = true == name, said == name
        hits = int(np.sum(is_so & was_said))
        found.append(
            ClassMetrics(
                name=name, support=int(is_so.sum()), precision=proportion(hits, int(was_said.sum())),
                recall=proportion(hits, int(is_so.sum())),
                roc_auc=None if table is None else roc_auc(is_so, table[:, at]),
            )
        )  # fmt: skip
    return found


def roc_auc(is_so: NDArray[np.bool_], scores: Numbers) -> Estimate | None:
    """Return the area under the ROC curve: how likely one that is so has a higher score than one that is not."""
    positive, negative = int(is_so.sum()), int((~is_so).sum())
    if not positive or not negative:
        return None
    area = float(roc_auc_score(is_so, scores))
    one = positive - 1, area / (2 - area) - area**2
    other = negative - 1, 2 * area**2 / (1 + area) - area**2
    variance = area * (1 - area) + sum(count * term for count, term in (one, other))
    half = _Z * sqrt(max(0.0, variance) / (positive * negative))
    return _within(Estimate(area, area - half, area + half), 0.0, 1.0)


def confusion(
    classes: Sequence[str], truth: Sequence[str], answered: Sequence[str]
) -> list[list[int]]:
    """Return how many were true (rows) and answered (columns), in the order of the classes."""
    counts = Counter(zip(truth, answered, strict=True))
    return [[counts[true, said] for said in classes] for true in classes]


def calibration(predicted: Numbers, came_true: NDArray[np.bool_]) -> list[Bin]:
    """Return how often what was said to be so likely came true, in ten bins of equal width; empty ones are left out."""
    places = np.minimum((predicted * _BINS).astype(int), _BINS - 1)
    bins = []
    for place in np.unique(places):
        inside = places == place
        count = int(inside.sum())
        observed = proportion(int(came_true[inside].sum()), count)
        if observed is not None:
            bins.append(
                Bin(count=count, predicted=float(predicted[inside].mean()), observed=observed)
            )
    return bins


def errors(truth: Numbers, answered: Numbers) -> dict[str, Estimate | None]:
    """Return the mean absolute error, the root mean squared error, and the bias (answer minus truth)."""
    residuals = answered - truth
    return {
        "mae": _within(mean(np.abs(residuals)), 0.0, np.inf),
        "rmse": _root(_within(mean(np.square(residuals)), 0.0, np.inf)),
        "bias": mean(residuals),
    }


def _root(squared: Estimate | None) -> Estimate | None:
    return squared and Estimate(sqrt(squared.value), sqrt(squared.low), sqrt(squared.high))


def _within(found: Estimate | None, low: float, high: float) -> Estimate | None:
    return found and Estimate(found.value, max(low, found.low), min(high, found.high))
