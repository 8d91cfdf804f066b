"""Scoring: from complete rows to outputs, with one fitted estimator, its signature and its plan."""

import copy
import math
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from ml.kernels import Kernel, kernel_of
from ml.plan import Call, Mode, Plan
from ml.signature import FieldType, InputField, OutputType, Signature
from ml.validation import Row, Validator

Outputs = list[dict[str, Any]]
# A frame's texts are Python's, whether pyarrow is installed (for exports) or not.
pd.set_option("mode.string_storage", "python")

_DOUBLE = np.dtype(np.float64)
_DTYPES = {FieldType.NUMBER: np.float64, FieldType.INTEGER: np.int64, FieldType.BOOLEAN: np.bool_}


def plain(value: Any) -> Any:
    """Return a numpy scalar as the Python value it stands for; other values as they are."""
    return value.item() if isinstance(value, np.generic) else value


class ModelFailedError(Exception):
    """The model raised an error, or answered something that is no answer."""


def use_one_thread() -> None:
    """Give BLAS and OpenMP one thread in this process: theirs would fight those of the web server."""
    threadpool_limits(limits=1)


class Runtime:
    """A fitted estimator, ready to score rows that its signature has validated."""

    def __init__(self, estimator: Any, signature: Signature, plan: Plan | None = None) -> None:
        self.estimator = estimator
        self.signature = signature
        self.plan = plan or Plan()
        self.validator = Validator(signature)
        self._pads = self.plan.mode is Mode.PAD
        self._numeric = all(item.type in _DTYPES for item in signature.inputs)
        self._wants_frame = hasattr(estimator, "feature_names_in_") or not self._numeric
        self._classes = signature.output.classes and [str(c) for c in signature.output.classes]
        self._method = "predict_proba" if signature.output.probabilities else "predict"
        self._ask = self._way_of(self.plan.call)

    def score(self, rows: Sequence[Row]) -> Outputs:
        """Return one output for each row: `{"prediction": …}`, with `"probabilities"` if it has them.

        The bits of each are those of the row scored alone: blocks are formed as the plan says.

        Raises:
            ModelFailedError: if the estimator raises, or an output is not finite.
        """
        block = self.plan.block
        if 0 < len(rows) <= block:
            return self._outputs(rows)
        return [
            output
            for start in range(0, len(rows), block)
            for output in self._outputs(rows[start : start + block])
        ]

    def table(self, rows: Sequence[Row]) -> Any:
        """Return rows as the estimator wants them: a data frame, or an array of doubles."""
        if not self._wants_frame:
            return _array(rows)
        return pd.DataFrame({item.name: _column(item, rows) for item in self.signature.inputs})

    def _block(self, rows: Sequence[Row]) -> Any:
        """Return the table of a block's rows, filled up with copies of the last as far as the plan says."""
        if not self._wants_frame:
            return self._array_block(rows)
        return self.table([*rows, *[rows[-1]] * self._missing(rows)])

    def _array_block(self, rows: Sequence[Row]) -> Any:
        table = _array(rows)
        if self._pads and (missing := self._missing(rows)):
            table = table.repeat([1] * (len(rows) - 1) + [missing + 1], axis=0)
        return table

    def _missing(self, rows: Sequence[Row]) -> int:
        """Return how many rows a block lacks."""
        return self.plan.block - len(rows) if self._pads else 0

    def _outputs(self, rows: Sequence[Row]) -> Outputs:
        try:
            answers = np.asarray(self._ask(rows))
            if self._pads and answers.shape[:1] == (self.plan.block,):
                answers = answers[: len(rows)]
            if self.signature.output.probabilities:
                return self._classified(answers, len(rows))
            return self._predicted(answers, len(rows))
        except ModelFailedError:
            raise
        except Exception as error:
            # The estimator's own words may quote the inputs, which are personal data.
            raise ModelFailedError(f"The model raised {type(error).__name__}.") from error

    def _way_of(self, call: Call) -> Callable[[Sequence[Row]], Any]:
        ask = getattr(self.estimator, self._method)
        if call is Call.KERNEL and (kernel := self._kernel()) is not None:
            return lambda rows: self._by_kernel(kernel, rows)
        if call is Call.UNNAMED and self._numeric:
            ask = getattr(_without_names(self.estimator), self._method)
            return lambda rows: _unchecked(ask, self._array_block(rows), self._is_complete(rows))
        if call in (Call.UNNAMED, Call.UNCHECKED):
            return lambda rows: _unchecked(ask, self._block(rows), self._is_complete(rows))
        return self._plainly

    def _plainly(self, rows: Sequence[Row]) -> Any:
        return getattr(self.estimator, self._method)(self._block(rows))

    @property
    def has_kernel(self) -> bool:
        """Whether there is a kernel for what the signature asks of this estimator."""
        return self._kernel() is not None

    def _kernel(self) -> Kernel | None:
        return kernel_of(self.estimator, self._method) if self._numeric else None

    def _by_kernel(self, kernel: Kernel, rows: Sequence[Row]) -> Any:
        table = self._array_block(rows)
        answers = kernel(table) if _are_finite(table) else None
        return self._plainly(rows) if answers is None else answers

    @staticmethod
    def _is_complete(rows: Sequence[Row]) -> bool:
        return not any(None in row.values() for row in rows)

    def _classified(self, probabilities: Any, count: int) -> Outputs:
        classes, labels = self.signature.output.classes, self._classes
        if classes is None or labels is None or probabilities.shape != (count, len(classes)):
            raise ModelFailedError("The model answered a table of another shape than its classes.")
        table = probabilities if probabilities.dtype is _DOUBLE else probabilities.astype(_DOUBLE)
        rows = table.tolist()
        if not all(map(math.isfinite, chain.from_iterable(rows))):
            raise ModelFailedError("The model answered a probability that is not finite.")
        return [
            {"prediction": classes[row.index(max(row))], "probabilities": dict(zip(labels, row, strict=True))}
            for row in rows
        ]  # fmt: skip

    def _predicted(self, answers: Any, count: int) -> Outputs:
        values = answers.tolist()
        if len(values) != count:
            raise ModelFailedError("The model answered another number of rows than it was asked.")
        return [{"prediction": self._answer(plain(value))} for value in values]

    def _answer(self, value: Any) -> Any:
        if isinstance(value, list):
            if len(value) != 1:
                raise ModelFailedError("The model answers several values for a row; one is wanted.")
            value = value[0]
        if self.signature.output.type is OutputType.REGRESSION:
            value = float(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise ModelFailedError("The model answered a number that is not finite.")
        if not isinstance(value, str | int | float | bool):
            raise ModelFailedError(f"The model answered a {type(value).__name__}, not one value.")
        return value


def _are_finite(table: Any) -> bool:
    """Whether all numbers are finite, as far as the sum of their squares tells: no, too, for some beyond 1e150."""
    return math.isfinite(np.vdot(table, table))


def _array(rows: Sequence[Row]) -> Any:
    return np.array([list(row.values()) for row in rows], dtype=np.float64)


def _unchecked(ask: Callable[[Any], Any], table: Any, complete: bool) -> Any:
    """Ask without the checks that validation has made already: they cost more than small models do."""
    with config_context(assume_finite=complete, skip_parameter_validation=True):
        return ask(table)


def _without_names(estimator: Any) -> Any:
    """Return a copy that has not learned its columns' names, and so takes an array without a warning."""
    estimator = copy.copy(estimator)
    vars(estimator).pop("feature_names_in_", None)
    if type(estimator) is Pipeline:
        estimator.steps = [(name, _without_names(step)) for name, step in estimator.steps]
    return estimator


def _column(item: InputField, rows: Sequence[Row]) -> Any:
    values = [row[item.name] for row in rows]
    dtype: Any = _DTYPES.get(item.type, object)
    if None in values:
        values = [math.nan if value is None else value for value in values]
        dtype = np.float64 if item.numeric else object
    return np.array(values, dtype=dtype)
