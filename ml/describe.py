"""Reads a signature from example data and a fitted estimator."""

import datetime
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ml.corrections import corrected, corrected_inputs
from ml.runtime import plain
from ml.signature import FieldType, InputField, Output, OutputType, Signature, SignatureError
from ml.validation import MAX_SAFE_INTEGER

MOST_CATEGORIES = 100


def read_examples(path: Path, words: Collection[str] = ()) -> pd.DataFrame:
    """Read a CSV of example rows. Empty cells are missing values; words such as "NA" are words.

    Args:
        path: the file.
        words: columns that hold words even where they look like numbers, such as "07".

    Raises:
        SignatureError: if the file cannot be read as a table with rows.
    """
    kinds = dict.fromkeys(words, str)
    try:
        table = pd.read_csv(
            path, keep_default_na=False, na_values=[""], low_memory=False, dtype=kinds
        )
    except (OSError, ValueError) as error:
        raise SignatureError(f"{path} cannot be read as CSV: {error}") from None
    if table.empty:
        raise SignatureError(f"{path} has no rows")
    return table


def columns_of_words(
    estimator: Any, target: str | None, corrections: Mapping[str, Any]
) -> set[str]:
    """Return the columns whose cells are words for the model, even if they look like numbers.

    They are those of which an encoder has learned words, the target of classes that are words, and
    those that a correction says so of.
    """
    words = {name for name, _ in _fitted_categories(estimator)}
    if target is not None and _are_words(getattr(estimator, "classes_", ())):
        words.add(target)
    for name, correction in (corrections.get("inputs") or {}).items():
        given = correction or {}
        if given.get("type") in ("text", "date") or _are_words(given.get("categories") or ()):
            words.add(name)
    return words


def _are_words(values: Any) -> bool:
    return len(values) > 0 and all(isinstance(value, str) for value in values)


def describe(
    estimator: Any, examples: pd.DataFrame, target: str | None, corrections: Mapping[str, Any]
) -> Signature:
    """Return the signature of a fitted estimator.

    Args:
        estimator: fitted, with `predict`.
        examples: one column per input, and perhaps the target.
        target: the column that holds the truth; it is no input.
        corrections: the members `inputs` (by field name) and `output` of the YAML file.

    Raises:
        SignatureError: if data, estimator and corrections do not fit together.
    """
    _check_fitted(estimator)
    fitted = dict(_fitted_categories(estimator))
    inputs = [
        _describe_column(examples[name], fitted.get(name))
        for name in _input_names(estimator, examples, target)
    ]
    described = _describe_output(estimator, target)
    output = corrected(described, corrections.get("output") or {})
    if output.type != described.type:
        raise SignatureError("output: the type follows from the estimator and cannot be corrected")
    inputs_corrected = tuple(corrected_inputs(inputs, corrections.get("inputs") or {}))
    return Signature(inputs=inputs_corrected, output=output)


def _check_fitted(estimator: Any) -> None:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise SignatureError("the estimator is not fitted; fit it before you save it") from None
    except TypeError:  # It has no fit, so it needs none.
        return


def _input_names(estimator: Any, examples: pd.DataFrame, target: str | None) -> list[str]:
    if target is not None and target not in examples.columns:
        raise SignatureError(f"the example data has no column {target!r}")
    columns = [name for name in examples.columns if name != target]
    names = [str(name) for name in getattr(estimator, "feature_names_in_", columns)]
    if missing := [name for name in names if name not in columns]:
        raise SignatureError(f"the example data lacks the columns {', '.join(missing)}")
    count = getattr(estimator, "n_features_in_", len(names))
    if count != len(names):
        raise SignatureError(f"the model takes {count} inputs, the example data has {len(names)}")
    return names


def _describe_column(column: pd.Series, fitted: tuple[str | int, ...] | None) -> InputField:
    present = column.dropna()
    kind = FieldType.CATEGORY if fitted else _type_of(column, present)
    described = InputField(
        name=str(column.name),
        type=kind,
        required=len(present) == len(column),
        categories=_categories(present, fitted or ()) if kind is FieldType.CATEGORY else None,
        typical=_typical(kind, present),
    )
    return _with_bounds(described, present) if described.numeric and len(present) else described


def _type_of(column: pd.Series, present: pd.Series) -> FieldType:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return FieldType.CATEGORY
    if pd.api.types.is_bool_dtype(column) or _only_booleans(present):
        return FieldType.BOOLEAN
    if pd.api.types.is_integer_dtype(column):
        return FieldType.INTEGER
    if pd.api.types.is_numeric_dtype(column):
        had_gaps = len(present) < len(column)
        integral = had_gaps and len(present) and bool((present % 1 == 0).all())
        return FieldType.INTEGER if integral else FieldType.NUMBER
    return _type_of_words(present)


def _only_booleans(present: pd.Series) -> bool:
    return len(present) > 0 and all(isinstance(value, bool) for value in present)


def _type_of_words(present: pd.Series) -> FieldType:
    words = present.astype(str)
    if len(words) and all(map(_is_date, words)):
        return FieldType.DATE
    distinct = words.nunique()
    few = distinct <= 20 or distinct <= min(MOST_CATEGORIES, len(words) // 2)
    return FieldType.CATEGORY if 0 < distinct < max(2, len(words)) and few else FieldType.TEXT


def _is_date(word: str) -> bool:
    try:
        return datetime.date.fromisoformat(word).isoformat() == word
    except ValueError:
        return False


def _categories(present: pd.Series, fitted: tuple[str | int, ...]) -> tuple[str | int, ...]:
    if isinstance(present.dtype, pd.CategoricalDtype):
        return tuple(map(_plain_category, present.cat.categories))
    observed = {_plain_category(value) for value in present.unique()}
    return tuple(sorted(observed.union(fitted), key=str))


def _plain_category(value: Any) -> str | int:
    word = plain(value)
    return word if isinstance(word, int) and not isinstance(word, bool) else str(word)


def _typical(kind: FieldType, present: pd.Series) -> Any:
    if present.empty or kind is FieldType.TEXT:
        return None
    if kind in (FieldType.NUMBER, FieldType.INTEGER):
        middle = float(present.median())
        return round(middle) if kind is FieldType.INTEGER else float(f"{middle:.4g}")
    common = present.mode().iloc[0]
    return bool(common) if kind is FieldType.BOOLEAN else _plain_category(common)


def _with_bounds(described: InputField, present: pd.Series) -> InputField:
    """Bound a number to one span beyond what was observed, without crossing zero.

    The observed range itself would refuse the first slightly larger house; no bounds at all
    would let a value in the wrong unit through.
    """
    low, high = float(present.min()), float(present.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise SignatureError(f"the example column {described.name!r} has an infinite value")
    span = (high - low) or max(1.0, abs(high))
    minimum = max(0.0, low - span) if low >= 0 else low - span
    maximum = min(0.0, high + span) if high <= 0 and low < 0 else high + span
    return replace(
        described,
        minimum=_rounded(minimum, math.floor, described),
        maximum=_rounded(maximum, math.ceil, described),
        observed=(low, high),
    )


def _rounded(bound: float, direction: Any, described: InputField) -> float | None:
    """Round a bound outwards to two digits: it is a guess, and should look like one.

    None if there is no room for a bound: then the type's own range bounds it.
    """
    if abs(bound) > (MAX_SAFE_INTEGER if described.type is FieldType.INTEGER else 1e300):
        return None
    if described.type is FieldType.INTEGER and abs(bound) < 100:
        return int(direction(bound))
    if bound == 0:
        return 0
    unit = 10.0 ** (math.floor(math.log10(abs(bound))) - 1)
    outward = float(f"{direction(bound / unit) * unit:.12g}")
    if described.type is not FieldType.INTEGER:
        return outward
    return int(outward) if abs(outward) <= MAX_SAFE_INTEGER else None


def _describe_output(estimator: Any, target: str | None) -> Output:
    label = target or "prediction"
    if is_regressor(estimator):
        return Output(type=OutputType.REGRESSION, label=label)
    if not is_classifier(estimator):
        return Output(type=OutputType.LABEL, label=label)
    if not all(np.isscalar(value) for value in estimator.classes_):
        raise SignatureError("models that answer several outputs at once are not supported")
    return Output(
        type=OutputType.CLASSIFICATION,
        label=label,
        classes=tuple(map(plain, estimator.classes_)),
        probabilities=hasattr(estimator, "predict_proba"),
    )


def _fitted_categories(estimator: Any) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield the categories that the encoders of a column transformer have learned, by column."""
    for step in _steps(estimator):
        if not isinstance(step, ColumnTransformer):
            continue
        for _, transformer, columns in step.transformers_:
            for encoder in _steps(transformer):
                learned = getattr(encoder, "categories_", None)
                named = isinstance(columns, list | np.ndarray | pd.Index)
                if learned is not None and named and len(learned) == len(columns):
                    yield from _of_words(columns, learned)


def _of_words(columns: Any, learned: Any) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    for name, values in zip(columns, learned, strict=True):
        words = [value for value in values if isinstance(value, str)]
        if isinstance(name, str) and words:
            yield name, tuple(words)


def _steps(estimator: Any) -> Iterator[Any]:
    if isinstance(estimator, Pipeline):
        for _, step in estimator.steps:
            yield from _steps(step)
    else:
        yield estimator
