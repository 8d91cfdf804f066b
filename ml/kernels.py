"""Kernels: the arithmetic of estimators that are known, without the checks around it.

Each does what scikit-learn does with the same numpy and Cython calls in the same order, so the bits are
the same; registration measures that for each version, and without proof no kernel is used. What a
kernel cannot answer exactly as the estimator would (values that are not finite, or beyond 32 bits), it leaves to it.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from scipy.special import expit
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.extmath import softmax

Array: TypeAlias = Any
#: Takes a C-contiguous array of finite doubles, which it may overwrite; None: ask the estimator.
Kernel = Callable[[Array], Array | None]


def kernel_of(estimator: Any, method: str) -> Kernel | None:
    """Return the kernel of a fitted estimator's `predict` or `predict_proba`, None if there is none."""
    *before, last = _steps(estimator)
    maker = _MAKERS.get((type(last), method))
    if maker is None or not all(type(step) is StandardScaler for step in before):
        return None
    if (kernel := maker(last)) is None:
        return None
    scalers = [_scaler(step) for step in before]

    def score(table: Array) -> Array | None:
        for scale in scalers:
            table = scale(table)
        return kernel(table)

    return score


def _steps(estimator: Any) -> list[Any]:
    if type(estimator) is Pipeline:
        return [inner for _, step in estimator.steps for inner in _steps(step)]
    return [estimator]


def _scaler(scaler: StandardScaler) -> Callable[[Array], Array]:
    mean = scaler.mean_ if scaler.with_mean else None
    scale = scaler.scale_ if scaler.with_std else None

    def apply(table: Array) -> Array:
        if mean is not None:
            table -= mean
        if scale is not None:
            table /= scale
        return table

    return apply


def _logistic(estimator: LogisticRegression) -> Kernel:
    weights, intercept = estimator.coef_.T, estimator.intercept_

    def binary(table: Array) -> Array:
        answers = np.empty((len(table), 2))
        no, yes = answers[:, :1], answers[:, 1:]
        expit(table @ weights + intercept, out=yes)
        np.subtract(1, yes, out=no)
        return answers

    def multinomial(table: Array) -> Array:
        return softmax(table @ weights + intercept, copy=False)

    return binary if len(estimator.classes_) == 2 else multinomial


def _linear(estimator: LinearRegression | Ridge) -> Kernel | None:
    weights = estimator.coef_ if estimator.coef_.ndim == 1 else estimator.coef_.T
    intercept = estimator.intercept_
    return lambda table: table @ weights + intercept


def _forest(forest: Any) -> Kernel | None:
    return (
        _summed([tree.tree_ for tree in forest.estimators_], forest) if _is_plain(forest) else None
    )


def _tree(tree: Any) -> Kernel | None:
    return _summed([tree.tree_], tree) if _is_plain(tree) else None


def _is_plain(estimator: Any) -> bool:
    return bool(estimator.n_outputs_ == 1)


def _summed(trees: list[Any], estimator: Any) -> Kernel:
    """Sum the trees in their order, as one thread of joblib does, without what joblib costs."""
    columns = getattr(estimator, "n_classes_", None)
    count = len(trees) if hasattr(estimator, "estimators_") else None

    def score(table: Array) -> Array | None:
        table = table.astype(np.float32)
        if not np.isfinite(table).all():
            return None
        total = _sum(trees, table)
        if count is not None:
            total /= count
        return total[:, :columns] if columns is not None else total.reshape(-1)

    return score


def _sum(trees: list[Any], table: Array) -> Array:
    total = trees[0].predict(table) + 0.0
    for tree in trees[1:]:
        total += tree.predict(table)
    return total


_MAKERS: dict[tuple[type, str], Callable[[Any], Kernel | None]] = {
    (LogisticRegression, "predict_proba"): _logistic,
    (LinearRegression, "predict"): _linear,
    (Ridge, "predict"): _linear,
    (DecisionTreeClassifier, "predict_proba"): _tree,
    (DecisionTreeRegressor, "predict"): _tree,
    (RandomForestClassifier, "predict_proba"): _forest,
    (RandomForestRegressor, "predict"): _forest,
    (ExtraTreesClassifier, "predict_proba"): _forest,
    (ExtraTreesRegressor, "predict"): _forest,
}
