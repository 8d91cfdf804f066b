"""Validation of input rows by a signature: strict for JSON, lax for the strings of a form.

A valid row comes back complete and in the signature's order: that is what the model gets and what is stored.
"""

import datetime
import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal, NotRequired

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from typing_extensions import TypedDict

from ml.signature import MAX_TEXT, FieldType, InputField, Signature

Row = dict[str, Any]
MAX_SAFE_INTEGER = 2**53 - 1
MOST_FAULTS = 1_000
_ROWS_AT_ONCE = 50
_MOST_CHOICES_NAMED = 30


@dataclass(frozen=True)
class Fault:
    """One fault of one row: `field` is None when the row as a whole is wrong."""

    row: int
    field: str | None
    message: str


class InvalidRowsError(ValueError):
    """Some rows do not fit the signature.

    `faults` lists every fault of every row, up to `MOST_FAULTS`; `count` is how many there are.
    """

    def __init__(self, faults: Sequence[Fault], count: int) -> None:
        self.faults = tuple(faults)
        self.count = count
        super().__init__(f"{count} faults in the inputs")


class Validator:
    """Checks rows against one signature. Building it is slow, using it is fast: keep it."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._strict = _adapter(signature, strict=True)
        self._lax = _adapter(signature, strict=False)
        self._defaults = [(item.name, item.default) for item in signature.inputs]

    @property
    def signature(self) -> Signature:
        """What rows are checked against."""
        return self._signature

    def parse_json(self, rows: Sequence[Any]) -> list[Row]:
        """Return complete rows from JSON values, which must have the signature's types.

        Raises:
            InvalidRowsError: with every fault of every row.
        """
        return self._parse(self._strict, rows)

    def parse_form(self, form: Mapping[str, str]) -> Row:
        """Return one complete row from a form's strings; a blank string is a missing value.

        Raises:
            InvalidRowsError: with every fault; the row's number is 0.
        """
        filled = {name: text for name, text in form.items() if not self._is_blank(name, text)}
        by_text = {item.name: _from_text(item, filled[item.name]) for item in self._signature.inputs
                   if item.name in filled}  # fmt: skip
        unknown = {name: text for name, text in filled.items() if name not in by_text}
        return self._parse(self._lax, [by_text | unknown])[0]

    def _is_blank(self, name: str, text: str) -> bool:
        categories = self._signature[name].categories if name in self._signature.names else None
        return not text.strip() and text not in (categories or ())

    def _parse(self, adapter: TypeAdapter[list[Any]], rows: Sequence[Any]) -> list[Row]:
        try:
            valid = adapter.validate_python(list(rows))
        except ValidationError as error:
            count = error.error_count()
        else:
            return [self._complete(row) for row in valid]
        raise InvalidRowsError(list(islice(self._faults(adapter, rows), MOST_FAULTS)), count)

    def _faults(self, adapter: TypeAdapter[list[Any]], rows: Sequence[Any]) -> Iterator[Fault]:
        """Yield the faults, a few rows at a time: those of all rows at once may fill the memory."""
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            try:
                adapter.validate_python(list(rows[start : start + _ROWS_AT_ONCE]))
            except ValidationError as error:
                for found in error.errors(include_url=False):
                    yield _fault(self._signature, found, start)

    def _complete(self, row: Row) -> Row:
        if len(row) == len(self._defaults) and all(row.values()):
            return row  # In the signature's order, without a zero and without anything that is missing.
        complete = {}
        for name, default in self._defaults:
            value = row.get(name)
            if value is None:
                value = default
            if value == 0 and type(value) is float:
                value = 0.0  # Not -0.0: the canonical form has one zero.
            complete[name] = value
        return complete


def default_fault(item: InputField) -> str | None:
    """Return what is wrong with the default of a field, None if it is a good value or there is none."""
    if item.default is None:
        return None
    try:
        TypeAdapter(_value_type(item)).validate_python(item.default, strict=True)
    except ValidationError as error:
        return _message(item, error.errors()[0])
    return None


def _adapter(signature: Signature, *, strict: bool) -> TypeAdapter[list[Any]]:
    # TypedDict takes every field name, where pydantic's create_model drops or rejects some.
    members = {item.name: _member_type(item) for item in signature.inputs}
    row = TypedDict("Row", members)  # type: ignore[misc]
    setattr(row, "__pydantic_config__", ConfigDict(strict=strict, extra="forbid"))  # noqa: B010
    return TypeAdapter(list[row])


def _member_type(item: InputField) -> Any:
    value = _value_type(item)
    return value if item.required else NotRequired[value | None]


def _value_type(item: InputField) -> Any:
    bounds = Field(ge=item.minimum, le=item.maximum)
    match item.type:
        case FieldType.NUMBER:
            finite = Field(allow_inf_nan=False)
            return Annotated[float, finite, bounds]
        case FieldType.INTEGER:
            low = max(
                -MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER if item.minimum is None else item.minimum
            )
            high = min(MAX_SAFE_INTEGER, MAX_SAFE_INTEGER if item.maximum is None else item.maximum)
            return Annotated[int, Field(ge=low, le=high), BeforeValidator(_integral)]
        case FieldType.BOOLEAN:
            return bool
        case FieldType.CATEGORY:
            return Literal[item.categories]
        case FieldType.TEXT:
            return Annotated[str, Field(max_length=MAX_TEXT)]
        case FieldType.DATE:
            return Annotated[str, AfterValidator(_iso_date)]


def _integral(value: Any) -> Any:
    """JSON has one kind of number: 3.0 is the integer 3, as in JSON Schema."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value


def _iso_date(text: str) -> str:
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("date") from None


def _from_text(item: InputField, text: str) -> Any:
    if item.type is FieldType.TEXT:
        return text
    if item.type is FieldType.CATEGORY:
        return {str(category): category for category in item.categories or ()}.get(text, text)
    # Python's numbers may have underscores between digits, people's may not.
    return [text] if "_" in text and item.numeric else text.strip()


def _fault(signature: Signature, error: Any, start: int) -> Fault:
    row, *path = error["loc"]
    row += start
    name = str(path[0]) if path else None
    if error["type"] == "extra_forbidden":
        return Fault(row, name, _unknown(signature, str(name)))
    if name is None or name not in signature.names:
        return Fault(row, None, "Send an object with one member for each input field.")
    return Fault(row, name, _message(signature[name], error))


def _unknown(signature: Signature, name: str) -> str:
    near = difflib.get_close_matches(name, signature.names, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"This model has no such field.{hint}"


_EXPECTED = {
    FieldType.NUMBER: "Enter a number.",
    FieldType.INTEGER: "Enter a whole number.",
    FieldType.BOOLEAN: "Enter true or false.",
    FieldType.TEXT: "Enter text.",
    FieldType.DATE: "Enter a date as YYYY-MM-DD.",
}


def _message(item: InputField, error: Any) -> str:
    kind, unit = error["type"], f" {item.unit}" if item.unit else ""
    if kind == "missing" or error.get("input") is None:
        return "This field is required."
    if kind == "greater_than_equal":
        return f"Enter {_shown(error['ctx']['ge'])}{unit} or more."
    if kind == "less_than_equal":
        return f"Enter {_shown(error['ctx']['le'])}{unit} or less."
    if kind == "string_too_long":
        return f"Enter at most {MAX_TEXT:,} characters."
    if item.type is FieldType.CATEGORY:
        return f"Choose one of: {_named(item.categories or ())}."
    return _EXPECTED[item.type]


def _named(choices: Sequence[Any]) -> str:
    more = len(choices) - _MOST_CHOICES_NAMED
    named = ", ".join(map(str, choices[:_MOST_CHOICES_NAMED]))
    return f"{named} and {more} more" if more > 0 else named


def _shown(bound: float) -> str:
    return f"{bound:.15g}"
