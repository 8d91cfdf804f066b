"""What registration finds out about a model by running the examples through it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from ml.runtime import Outputs, Runtime
from ml.signature import FieldType, OutputType, Signature
from ml.validation import InvalidRowsError, Row

MOST_EXAMPLES = 5_000


class EvaluationError(ValueError):
    """The model does not answer its own examples as it must; the message says what is wrong."""


def evaluate(runtime: Runtime, examples: pd.DataFrame, target: str | None) -> dict[str, Any]:
    """Run the examples through the model exactly as requests will be, and return its metrics.

    Of more than `MOST_EXAMPLES` rows the first ones are taken. The metrics are those of the
    target column; without one, only the number of examples.

    Raises:
        EvaluationError: if an example does not fit the signature, or labels taken from the
            probabilities differ from `predict`.
        ModelFailedError: if the model raises or an output is not finite.
    """
    examples = examples.head(MOST_EXAMPLES)
    rows = valid_rows(runtime, examples)
    outputs = runtime.score(rows)
    if runtime.signature.output.probabilities:
        _check_labels(runtime, rows, outputs)
    found: dict[str, Any] = {"examples": len(rows)}
    if target is not None:
        found |= _metrics(runtime.signature, examples[target], outputs)
    return found


def valid_rows(runtime: Runtime, examples: pd.DataFrame) -> list[Row]:
    """Return the first `MOST_EXAMPLES` examples as complete rows.

    Raises:
        EvaluationError: if an example does not fit the signature.
    """
    return _valid(runtime, example_rows(runtime.signature, examples.head(MOST_EXAMPLES)))


def example_rows(signature: Signature, examples: pd.DataFrame) -> list[Row]:
    """Return the examples as JSON values, as a client would send them."""
    columns = [_json_values(signature[name].type, examples[name]) for name in signature.names]
    return [dict(zip(signature.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _json_values(kind: FieldType, column: pd.Series) -> list[Any]:
    return [None if missing else _json_value(kind, value)
            for value, missing in zip(column.tolist(), column.isna(), strict=True)]  # fmt: skip


def _json_value(kind: FieldType, value: Any) -> Any:
    """Return a cell as a client would send it; what does not fit stays as it is, and is refused."""
    if kind in (FieldType.TEXT, FieldType.DATE):
        return str(value)
    if kind is FieldType.NUMBER and isinstance(value, int | float):
        return float(value)
    if kind is FieldType.INTEGER and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _valid(runtime: Runtime, rows: Sequence[Row]) -> list[Row]:
    try:
        return runtime.validator.parse_json(rows)
    except InvalidRowsError as error:
        first = error.faults[0]
        raise EvaluationError(
            f"{len(error.faults)} values of the examples do not fit the signature, the first in row"
            f" {first.row + 1}, {first.field}: {first.message} Correct the signature in the YAML file."
        ) from None


def _check_labels(runtime: Runtime, rows: Sequence[Row], outputs: Outputs) -> None:
    predicted = np.asarray(runtime.estimator.predict(runtime.table(rows))).tolist()
    differing = [
        number
        for number, (label, output) in enumerate(zip(predicted, outputs, strict=True), start=1)
        if label != output["prediction"]
    ]
    if differing:
        raise EvaluationError(
            f"In {len(differing)} of {len(rows)} examples (the first: row {differing[0]}) the most"
            " probable class is not what predict answers. Write `output: {probabilities: false}`"
            " in the YAML file to serve predict alone."
        )


def _metrics(signature: Signature, truth: pd.Series, outputs: Outputs) -> dict[str, float]:
    if truth.isna().any():
        raise EvaluationError(f"The target column {truth.name!r} has missing values.")
    try:
        found = _measured(signature, truth, outputs)
    except (TypeError, ValueError) as error:
        if isinstance(error, EvaluationError):
            raise
        raise EvaluationError(
            f"The target column {truth.name!r} does not fit a {signature.output.type} ({error})."
        ) from None
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def _measured(signature: Signature, truth: pd.Series, outputs: Outputs) -> dict[str, float]:
    answers = [output["prediction"] for output in outputs]
    match signature.output.type:
        case OutputType.REGRESSION:
            return _regression_metrics(truth.to_numpy(dtype=float), np.array(answers))
        case OutputType.CLASSIFICATION:
            return _classification_metrics(signature, truth.tolist(), answers, outputs)
    return {}


def _regression_metrics(truth: Any, answers: Any) -> dict[str, float]:
    return {
        "mean_absolute_error": metrics.mean_absolute_error(truth, answers),
        "root_mean_squared_error": metrics.root_mean_squared_error(truth, answers),
        "r2": metrics.r2_score(truth, answers) if len(truth) > 1 else math.nan,
    }


def _classification_metrics(
    signature: Signature, truth: list[Any], answers: list[Any], outputs: Outputs
) -> dict[str, float]:
    classes = [str(c) for c in signature.output.classes or ()]
    # 1, 1.0 and True are one key: a CSV file does not tell them apart.
    name_of = {c: str(c) for c in signature.output.classes or ()}
    expected, found = [name_of.get(t, str(t)) for t in truth], [str(a) for a in answers]
    if unknown := set(expected) - set(classes):
        raise EvaluationError(
            f"The target column has unknown classes: {', '.join(sorted(unknown))}."
        )
    measured = {
        "accuracy": metrics.accuracy_score(expected, found),
        "f1_macro": metrics.f1_score(expected, found, average="macro", zero_division=0.0),
    }
    if signature.output.probabilities:
        table = [[output["probabilities"][c] for c in classes] for output in outputs]
        order = sorted(range(len(classes)), key=classes.__getitem__)
        sorted_table = np.array(table)[:, order]
        measured["log_loss"] = metrics.log_loss(
            expected, sorted_table, labels=[classes[i] for i in order]
        )
    return measured
