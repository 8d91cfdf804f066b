"""The fields that a query can name: those of the record, and those of the models' signatures."""

import difflib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ml.signature import FieldType, OutputType, Signature

_CLOSEST = 3
PREDICTION, PROBABILITY, OUTCOME, HAS = "prediction", "probability.", "outcome", "has"
#: Before the name of an input that has the name of another field.
INPUT = "input."


class Kind(StrEnum):
    """What values a field has, and so what can be asked of it."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    TEXT = "text"
    DATE = "date"
    MOMENT = "moment"
    IDENTIFIER = "identifier"


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field.

    Args:
        name: as it is written in a query.
        kind: of its values.
        path: where the value is in a record: a column, or a part and the names below it.
        label: for people.
        choices: the values there are, for a choice.
        unit: of numbers.
        models: those that have the field, for inputs and outputs.
    """

    name: str
    kind: Kind
    path: tuple[str, ...]
    label: str
    choices: tuple[str, ...] = ()
    unit: str | None = None
    models: tuple[str, ...] = ()


class UnknownFieldError(LookupError):
    """There is no field of a name; the message says which is near."""


@dataclass(frozen=True)
class Dispute:
    """What a name is that means different things in different models: said of each, and the field in one of them."""

    said: str
    field: Field


class Vocabulary:
    """The fields that there are, by their names.

    Args:
        fields: those that mean one thing.
        disputed: names that mean different things in different models.
    """

    def __init__(
        self, fields: Iterable[Field], disputed: Mapping[str, Dispute] | None = None
    ) -> None:
        self._fields = {field.name: field for field in fields}
        self._disputed = disputed or {}

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields.values())

    def find(self, name: str) -> Field:
        """Return the field of a name, as it is written or in other case.

        Raises:
            UnknownFieldError: if there is none, or it is not known which one is meant.
        """
        name = self._known(name)
        if name in self._disputed:
            raise UnknownFieldError(
                f"{name} is {self._disputed[name].said}: say which model or version you mean, such as model:NAME@1."
            )
        return self._fields[name]

    def find_of_any_kind(self, name: str) -> Field:
        """Return the field of a name to ask whether it has a value, which means the same in all models; see `find`."""
        name = self._known(name)
        return self._disputed[name].field if name in self._disputed else self._fields[name]

    def _known(self, name: str) -> str:
        known = [*self._fields, *self._disputed]
        if name in known:
            return name
        if len(alike := [one for one in known if one.casefold() == name.casefold()]) == 1:
            return alike[0]
        raise UnknownFieldError(f"There is no field {name}.{suggestion(name, known)}")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return a sentence that names what is near to a word, empty if nothing is."""
    near = difflib.get_close_matches(word, list(known), n=_CLOSEST, cutoff=0.6)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def vocabulary(
    record: Sequence[Field], signatures: Mapping[str, Sequence[Signature]]
) -> Vocabulary:
    """Return the fields of records of some models.

    Args:
        record: the fields that every record has.
        signatures: the signatures of each model's versions, by the model's name.
    """
    taken = {field.name for field in record} | {PREDICTION, OUTCOME, HAS}
    found: dict[str, dict[Kind, dict[str, Field]]] = {}
    for model, versions in signatures.items():
        for field in (field for one in versions for field in _fields_of(one, taken)):
            models = found.setdefault(field.name, {}).setdefault(field.kind, {})
            models[model] = _merged(models.get(model, field), field)
    agreed = {name: kinds for name, kinds in found.items() if len(kinds) == 1}
    disputed = {name: _dispute(kinds) for name, kinds in found.items() if len(kinds) > 1}
    return Vocabulary([*record, *map(_agreement, agreed.values())], disputed)


def _fields_of(signature: Signature, taken: set[str]) -> Iterable[Field]:
    for item in signature.inputs:
        clashes = item.name in taken or item.name.startswith((INPUT, PROBABILITY))
        name = INPUT + item.name if clashes else item.name
        yield Field(
            name=name, kind=_KINDS[item.type], path=("inputs", item.name), label=item.label,
            choices=tuple(map(_written, item.categories or ())), unit=item.unit,
        )  # fmt: skip
    output = signature.output
    classes = output.classes or ()
    yield Field(
        name=PREDICTION, kind=_OUTPUTS[output.type], path=("output", "prediction"), label=output.label,
        choices=tuple(map(_written, classes)), unit=output.unit,
    )  # fmt: skip
    yield Field(
        name=OUTCOME, kind=_OUTPUTS[output.type], path=(OUTCOME,), label="outcome",
        choices=tuple(map(_written, classes)), unit=output.unit,
    )  # fmt: skip
    for one in classes if output.probabilities else ():
        yield Field(
            name=f"{PROBABILITY}{_written(one)}", kind=Kind.NUMBER, path=("output", "probabilities", str(one)),
            label=f"probability of {_written(one)}",
        )  # fmt: skip


def _agreement(kinds: Mapping[Kind, Mapping[str, Field]]) -> Field:
    """Return the one field that all models mean."""
    (models,) = kinds.values()
    return replace(functools.reduce(_merged, models.values()), models=tuple(models))


def _merged(one: Field, other: Field) -> Field:
    """Return a field with the choices of both."""
    choices = tuple(dict.fromkeys(one.choices + other.choices))
    return replace(one, choices=choices, unit=one.unit if one.unit == other.unit else None)


def _dispute(kinds: Mapping[Kind, Mapping[str, Field]]) -> Dispute:
    said = " and ".join(
        f"a {kind} in {', '.join(sorted(models))}" for kind, models in kinds.items()
    )
    return Dispute(said, next(field for models in kinds.values() for field in models.values()))


def _written(value: object) -> str:
    """Return a category or class as it is in the book: in canonical JSON, without quotation marks."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value) if isinstance(value, bool) else str(value)


_KINDS = {
    FieldType.NUMBER: Kind.NUMBER,
    FieldType.INTEGER: Kind.NUMBER,
    FieldType.BOOLEAN: Kind.BOOLEAN,
    FieldType.CATEGORY: Kind.CHOICE,
    FieldType.TEXT: Kind.TEXT,
    FieldType.DATE: Kind.DATE,
}
_OUTPUTS = {
    OutputType.CLASSIFICATION: Kind.CHOICE,
    OutputType.REGRESSION: Kind.NUMBER,
    OutputType.LABEL: Kind.TEXT,
}
