"""Scoring: from complete rows to outputs, with one fitted estimator and its signature."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ml.signature import FieldType, InputField, OutputType, Signature
from ml.validation import Row, Validator

Outputs = list[dict[str, Any]]

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

    def __init__(self, estimator: Any, signature: Signature) -> None:
        self.estimator = estimator
        self.signature = signature
        self.validator = Validator(signature)
        self._wants_frame = hasattr(estimator, "feature_names_in_") or not all(
            item.type in _DTYPES for item in signature.inputs
        )
        self._classes = signature.output.classes and [str(c) for c in signature.output.classes]

    def score(self, rows: Sequence[Row]) -> Outputs:
        """Return one output for each row: `{"prediction": …}`, with `"probabilities"` if it has them.

        Raises:
            ModelFailedError: if the estimator raises, or an output is not finite.
        """
        table = self.table(rows)
        try:
            if self.signature.output.probabilities:
                return self._classified(self.estimator.predict_proba(table), len(rows))
            return self._predicted(self.estimator.predict(table), len(rows))
        except ModelFailedError:
            raise
        except Exception as error:
            # The estimator's own words may quote the inputs, which are personal data.
            raise ModelFailedError(f"The model raised {type(error).__name__}.") from error

    def table(self, rows: Sequence[Row]) -> Any:
        """Return rows as the estimator wants them: a data frame, or an array of doubles."""
        columns = {item.name: _column(item, rows) for item in self.signature.inputs}
        if self._wants_frame:
            return pd.DataFrame(columns)
        return np.column_stack(list(columns.values())).astype(np.float64, copy=False)

    def _classified(self, probabilities: Any, count: int) -> Outputs:
        classes, labels = self.signature.output.classes, self._classes
        table = np.asarray(probabilities, dtype=np.float64)
        if classes is None or labels is None or table.shape != (count, len(classes)):
            raise ModelFailedError("The model answered a table of another shape than its classes.")
        if not np.isfinite(table).all():
            raise ModelFailedError("The model answered a probability that is not finite.")
        best = table.argmax(axis=1)
        return [
            {"prediction": classes[index], "probabilities": dict(zip(labels, row, strict=True))}
            for index, row in zip(best.tolist(), table.tolist(), strict=True)
        ]

    def _predicted(self, answers: Any, count: int) -> Outputs:
        values = np.asarray(answers).tolist()
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


def _column(item: InputField, rows: Sequence[Row]) -> Any:
    values = [row[item.name] for row in rows]
    dtype: Any = _DTYPES.get(item.type, object)
    if None in values:
        values = [math.nan if value is None else value for value in values]
        dtype = np.float64 if item.numeric else object
    return np.array(values, dtype=dtype)
