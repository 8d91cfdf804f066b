"""The signature of a model version: the contract of its inputs and its output.

One description gives the validation, the JSON Schema, the form's fields and the history's columns.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self, TypeVar

Scalar = bool | int | float | str
MAX_TEXT = 10_000
E = TypeVar("E", bound=StrEnum)


class SignatureError(ValueError):
    """The description of a model's inputs or output contradicts itself; the message says where."""


class FieldType(StrEnum):
    """The types that an input field can have."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    TEXT = "text"
    DATE = "date"


class OutputType(StrEnum):
    """What a model answers: a class, a number, or a label without known classes (clusters)."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    LABEL = "label"


@dataclass(frozen=True, kw_only=True)
class InputField:
    """One input of a model.

    `minimum` and `maximum` are inclusive bounds; `observed` is the range in the example data;
    `typical` is a value that a person may start from (the median or the most frequent one).
    A field that is not required may be absent or null: then the model gets `default`, or a missing value.
    """

    name: str
    type: FieldType
    title: str | None = None
    description: str | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str | int, ...] | None = None
    required: bool = True
    default: Scalar | None = None
    typical: Scalar | None = None
    observed: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", _member(FieldType, self.type, f"field {self.name!r}"))
        if self.categories is not None:
            object.__setattr__(self, "categories", tuple(self.categories))
        if self.observed is not None:
            object.__setattr__(self, "observed", tuple(self.observed))
        if fault := self._fault():
            raise SignatureError(f"field {self.name!r}: {fault}")

    @property
    def label(self) -> str:
        """What a person reads beside the field."""
        return self.title or self.name.replace("_", " ").strip().capitalize() or self.name

    @property
    def numeric(self) -> bool:
        """Whether the field holds numbers."""
        return self.type in (FieldType.NUMBER, FieldType.INTEGER)

    @property
    def example(self) -> Scalar | None:
        """The typical value, if it may be sent: bounds and categories can be corrected after it was found."""
        value = self.typical
        if isinstance(value, int | float) and not isinstance(value, bool):
            low = -math.inf if self.minimum is None else self.minimum
            high = math.inf if self.maximum is None else self.maximum
            value = value if low <= value <= high else None
        return value if not self.categories or value in self.categories else None

    def _fault(self) -> str | None:
        words = (self.title, self.description, self.unit)
        if not all(word is None or isinstance(word, str) for word in words):
            return "title, description and unit are text"
        if not all(isinstance(v, Scalar | None) for v in (self.default, self.typical)):
            return "default and typical are a number, true, false or text (quote dates)"
        if not all(isinstance(b, int | float | None) for b in (self.minimum, self.maximum)):
            return "minimum and maximum are numbers"
        return self._contradiction()

    def _contradiction(self) -> str | None:
        if not self.name or len(self.name) > 200:
            return "a name has 1 to 200 characters"
        if (self.type is FieldType.CATEGORY) != bool(self.categories):
            return "categories belong to fields of type category, and those need some"
        if self.categories and len(set(map(str, self.categories))) != len(self.categories):
            return "a category is there twice"
        bounds = [bound for bound in (self.minimum, self.maximum) if bound is not None]
        if bounds and not self.numeric:
            return "only numbers and integers have bounds"
        if not all(map(math.isfinite, bounds)):
            return "a bound is not a finite number"
        if len(bounds) == 2 and bounds[0] > bounds[1]:
            return f"the minimum {bounds[0]} is above the maximum {bounds[1]}"
        if self.default is not None and self.required:
            return "a field with a default is not required; set required: false"
        return None


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a model version answers.

    `classes` are the labels of a classifier in the order of its probabilities; `probabilities` says
    whether they are part of the answer. `label` names what is predicted, for people.
    """

    type: OutputType
    label: str = "prediction"
    unit: str | None = None
    classes: tuple[Scalar, ...] | None = None
    probabilities: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", _member(OutputType, self.type, "output"))
        if self.classes is not None:
            object.__setattr__(self, "classes", tuple(self.classes))
        if not isinstance(self.label, str) or not isinstance(self.unit, str | None):
            raise SignatureError("output: label and unit are text")
        if self.probabilities and not self.classes:
            raise SignatureError("output: probabilities need classes")

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of the answer to one row."""
        prediction: dict[str, Any] = {"type": ["boolean", "number", "string"]}
        if self.classes:
            prediction = {"enum": list(self.classes)}
        elif self.type is OutputType.REGRESSION:
            prediction = {"type": "number"}
        described = {"title": self.label, "description": f"In {self.unit}." if self.unit else None}
        properties = {"prediction": prediction | _without_none(described)}
        if self.probabilities:
            share = {"type": "number", "minimum": 0, "maximum": 1}
            names = map(str, self.classes or ())
            properties["probabilities"] = _closed(dict.fromkeys(names, share))
        return _closed(properties)


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Inputs in the model's order, and the output."""

    inputs: tuple[InputField, ...]
    output: Output
    _by_name: dict[str, InputField] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "_by_name", {item.name: item for item in self.inputs})
        if not self.inputs:
            raise SignatureError("a model needs at least one input")
        if len(self._by_name) != len(self.inputs):
            raise SignatureError("two inputs have the same name")

    def __getitem__(self, name: str) -> InputField:
        return self._by_name[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs, in the model's order."""
        return tuple(self._by_name)

    def to_json(self) -> dict[str, Any]:
        """Return the description as JSON values; what is not known is left out."""
        return {
            "inputs": [_without_none(asdict(item)) for item in self.inputs],
            "output": _without_none(asdict(self.output)),
        }

    @classmethod
    def from_json(cls, description: dict[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            SignatureError: if the description contradicts itself or has unknown members.
        """
        try:
            inputs = tuple(InputField(**item) for item in description["inputs"])
            return cls(inputs=inputs, output=Output(**description["output"]))
        except (KeyError, TypeError) as error:
            raise SignatureError(f"not a signature: {error}") from None

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of one input row."""
        required = [item.name for item in self.inputs if item.required]
        return _closed({item.name: _property_schema(item) for item in self.inputs}, required)

    def example(self) -> dict[str, Any] | None:
        """Return a row that may be sent, of typical values; None if one is not known of every required input."""
        if any(item.required and item.example is None for item in self.inputs):
            return None
        return {item.name: item.example for item in self.inputs if item.example is not None}


_SCHEMA_TYPES: dict[FieldType, dict[str, Any]] = {
    FieldType.NUMBER: {"type": "number"},
    FieldType.INTEGER: {"type": "integer"},
    FieldType.BOOLEAN: {"type": "boolean"},
    FieldType.CATEGORY: {},
    FieldType.TEXT: {"type": "string", "maxLength": MAX_TEXT},
    FieldType.DATE: {"type": "string", "format": "date"},
}


def _closed(properties: dict[str, Any], required: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the schema of an object that has these members and no others; all of them, if nothing else is said."""
    return {
        "type": "object", "properties": properties, "additionalProperties": False,
        "required": list(properties if required is None else required),
    }  # fmt: skip


def _property_schema(item: InputField) -> dict[str, Any]:
    schema = dict(_SCHEMA_TYPES[item.type])
    if item.categories:
        schema["enum"] = [*item.categories] if item.required else [*item.categories, None]
    elif not item.required:
        schema["type"] = [schema["type"], "null"]
    optional = {
        "title": item.title,
        "description": _described_with_unit(item),
        "minimum": item.minimum,
        "maximum": item.maximum,
        "default": item.default,
        "examples": None if item.example is None else [item.example],
    }
    return schema | _without_none(optional)


def _described_with_unit(item: InputField) -> str | None:
    words = [item.description, f"In {item.unit}." if item.unit else None]
    return " ".join(word for word in words if word) or None


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _member(kind: type[E], value: str, where: str) -> E:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(kind)
        raise SignatureError(f"{where}: type {value!r} is none of {known}") from None
