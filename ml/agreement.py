"""How far two people agree, beyond what chance alone would make."""

from collections import Counter
from collections.abc import Sequence
from math import sqrt

from ml.performance import Estimate

_Z = 1.959963984540054


def cohens_kappa(first: Sequence[str], second: Sequence[str]) -> Estimate | None:
    """Return Cohen's kappa (Educational and Psychological Measurement 20, 1960), with his 95 % interval.

    1 is full agreement, 0 what chance would make. None where it means nothing: of no pairs, or where both
    always said the same one thing.

    Args:
        first: what the first reader of each item said.
        second: what the second one said.
    """
    count = len(first)
    observed = sum(map(str.__eq__, first, second)) / count if count else 0.0
    by_first, by_second = Counter(first), Counter(second)
    expected = sum(by_first[said] * by_second[said] for said in by_first) / count**2 if count else 1
    if expected == 1:
        return None
    kappa = (observed - expected) / (1 - expected)
    half = _Z * sqrt(observed * (1 - observed) / count) / (1 - expected)
    return Estimate(kappa, max(-1.0, kappa - half), min(1.0, kappa + half))
