"""From the values of other protocols to JSON values of a signature; what does not fit stays, and is refused later."""

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from app.services.errors import invalid_at
from app.services.submissions import refuse_too_many
from ml.signature import FieldType, InputField, Signature
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


def rows_of_columns(
    signature: Signature, columns: Mapping[str, Sequence[Any]], most: int
) -> list[Row]:
    """Return the rows of columns, all of which are as long.

    Raises:
        InvalidInputsError: if there is a column that is no input.
        BodyTooLargeError: if there are more rows than there may be.
    """
    names = list(columns)
    refuse_unknown(signature, names)
    refuse_too_many(max(map(len, columns.values()), default=0), most)
    return [
        row_of(signature, dict(zip(names, values, strict=True)))
        for values in zip(*columns.values(), strict=True)
    ]


def refuse_unknown(signature: Signature, names: Sequence[str]) -> None:
    """Refuse columns that are no inputs, or there twice: once, and not for each row.

    Raises:
        InvalidInputsError: which.
    """
    for at, name in enumerate(names):
        if name not in signature.names:
            near = difflib.get_close_matches(name, signature.names, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise invalid_at(
                "inputs", at, why=f"Column {at + 1} is no such field of the model.{hint}"
            )
        if name in names[:at]:
            raise invalid_at("inputs", at, why=f"The column {name} is there twice.")


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
    if item.type is FieldType.CATEGORY and isinstance(value, str):
        return {str(category): category for category in item.categories or ()}.get(value, value)
    return value


def from_text(item: InputField, text: str) -> Any:
    """Return the value of a table's cell; a blank one is missing, as in a form."""
    if not text.strip() and text not in (item.categories or ()):
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
