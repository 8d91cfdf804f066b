"""Metrics and their intervals: known answers, and what holds for all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from ml import performance

CLASSES = ["no", "yes"]


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_a_proportion_has_wilsons_interval(hits, count, low, high):
    found = performance.proportion(hits, count)
    assert found.value == hits / count
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_has_its_value_in_it(hits, more):
    found = performance.proportion(hits, hits + more)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_of_nothing_there_is_no_metric():
    none = np.array([])
    assert performance.proportion(0, 0) is None
    assert performance.mean(none) is None
    assert performance.errors(none, none) == {"mae": None, "rmse": None, "bias": None}
    assert performance.roc_auc(np.array([True, True]), np.array([0.1, 0.2])) is None


def test_errors_are_those_of_the_definitions():
    found = performance.errors(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 2.0, 1.0, 7.0]))
    assert found["mae"].value == 1.5
    assert found["rmse"].value == pytest.approx(np.sqrt(14 / 4))
    assert found["bias"].value == 0.5
    assert found["mae"].low >= 0
    assert found["bias"].low < 0.5 < found["bias"].high


def test_the_brier_score_is_that_of_one_class_where_there_are_two():
    truth, likely = ["yes", "no", "no"], [0.9, 0.2, 0.6]
    shares = [{"no": 1 - one, "yes": one} for one in likely]
    expected = brier_score_loss([1, 0, 0], likely)
    assert performance.brier_score(truth, shares).value == pytest.approx(expected)
    assert performance.brier_score(["a"], [{"a": 0.5, "b": 0.25, "c": 0.25}]).value == 0.375
    assert performance.brier_score(["c"], [{"a": 1.0, "b": 0.0}]).value == 1.0


def test_each_class_is_told_from_the_others():
    truth, answered = ["yes", "yes", "no", "no"], ["yes", "no", "no", "yes"]
    table = np.array([[0.1, 0.9], [0.6, 0.4], [0.7, 0.3], [0.45, 0.55]])
    no, yes = performance.by_class(CLASSES, truth, answered, table)
    assert (yes.support, yes.precision.value, yes.recall.value, yes.roc_auc.value) == (2, 0.5, 0.5, 0.75)  # fmt: skip
    assert no.roc_auc.value == 0.75
    assert performance.confusion(CLASSES, truth, answered) == [[1, 1], [1, 1]]
    (other,) = performance.by_class(["maybe"], truth, answered, None)
    assert (other.support, other.precision, other.recall, other.roc_auc) == (0, None, None, None)


def test_the_area_has_the_interval_of_hanley_and_mcneil():
    """Radiology 143 (1982), table II: 58 normal and 51 abnormal, A = 0.893 with a standard error of 0.032."""
    scores = [
        *[1] * 33,
        *[2] * 6,
        *[3] * 6,
        *[4] * 11,
        *[5] * 2,
        *[1] * 3,
        *[2] * 2,
        *[3] * 2,
        *[4] * 11,
        *[5] * 33,
    ]
    found = performance.roc_auc(np.array([False] * 58 + [True] * 51), np.array(scores, dtype=float))
    assert found.value == pytest.approx(0.893, abs=1e-3)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.032, abs=2e-3)


def test_calibration_has_a_bin_for_each_tenth_that_is_there():
    bins = performance.calibration(
        np.array([0.0, 0.05, 0.95, 1.0]), np.array([False, True, True, True])
    )
    assert [(one.count, one.predicted, one.observed.value) for one in bins] == [
        (2, 0.025, 0.5), (2, 0.975, 1.0)
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(CLASSES), st.floats(0, 1)), min_size=1, max_size=50))
def test_perfect_answers_are_perfect_whatever_they_are(pairs):
    truth = [name for name, _ in pairs]
    table = np.array([[1.0, 0.0] if name == "no" else [0.0, 1.0] for name in truth])
    assert performance.accuracy(truth, truth).value == 1
    shares = [dict(zip(CLASSES, row, strict=True)) for row in table]
    assert performance.brier_score(truth, shares).value == 0
    for one in performance.by_class(CLASSES, truth, truth, table):
        assert one.roc_auc is None or one.roc_auc.value == 1
