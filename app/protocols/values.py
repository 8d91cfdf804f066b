"""From the values of other protocols to JSON values of a signature; what does not fit stays, and is refused later."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ml.signature import FieldType, InputField, Scalar, Signature
from ml.validation import Row


def row_of(signature: Signature, given: Any) -> Any:
    """Return a row that was given by name, in the signature's order, or as the one value that there is."""
    if isinstance(given, Mapping):
        known = {item.name: item for item in signature.inputs}
        return {
            name: fitted(known[name], value) if name in known else value
            for name, value in given.items()
        }
    values = given if isinstance(given, list) else [given]
    if len(values) != len(signature.inputs):
        return given
    return {
        item.name: fitted(item, value) for item, value in zip(signature.inputs, values, strict=True)
    }


def rows_of_columns(signature: Signature, columns: Mapping[str, Sequence[Any]]) -> list[Row]:
    """Return the rows of columns, all of which are as long."""
    names = list(columns)
    return [
        row_of(signature, dict(zip(names, values, strict=True)))
        for values in zip(*columns.values(), strict=True)
    ]


def fitted(item: InputField, value: Any) -> Any:
    """Return a value as JSON has it for a field.

    Tensors have one type for all of their values: whole numbers, booleans and numbered categories come as floats,
    and what is missing as NaN.
    """
    if isinstance(value, float) and math.isnan(value):
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if item.type is FieldType.BOOLEAN and is_number and value in (0, 1):
        return bool(value)
    if item.type is FieldType.CATEGORY and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def from_text(item: InputField, text: str) -> Any:
    """Return the value of a table's cell; a blank one is missing."""
    if not text.strip():
        return None
    if item.type is FieldType.BOOLEAN:
        return {"true": True, "false": False, "1": True, "0": False}.get(text.strip().lower(), text)
    if item.type is FieldType.CATEGORY:
        return {str(category): category for category in item.categories or ()}.get(text, text)
    if not item.numeric or "_" in text:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if math.isfinite(number) and number.is_integer() else number


def datatype_of(values: Sequence[Scalar]) -> str:
    """Return the Open Inference datatype of some answers."""
    if values and all(isinstance(value, bool) for value in values):
        return "BOOL"
    if values and all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return "INT64"
    if values and all(isinstance(value, int | float) for value in values):
        return "FP64"
    return "BYTES"
