"""The fields of a model's form, made from its signature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.services.errors import InputFault, pointer_to, storable
from ml.signature import MAX_TEXT, FieldType, InputField, Signature

_INPUT_TYPES = {FieldType.DATE: "date"}
_INPUT_MODES = {FieldType.NUMBER: "decimal", FieldType.INTEGER: "numeric"}
_LONG_TEXT = 80
_PREFIX = "input."  # Keeps a model's own names apart from the form's, such as csrf_token.


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One field as the page needs it. `choices` are (value, label) pairs, for those with a list."""

    item: InputField
    value: str
    error: str | None
    pointer: str
    number: int

    @property
    def id(self) -> str:
        """The field's id on the page; names may have signs that ids must not have."""
        return f"field-{self.number}"

    @property
    def name(self) -> str:
        """The name under which the form sends it."""
        return _PREFIX + self.item.name

    @property
    def input_type(self) -> str:
        """The type of the input element.

        Numbers are text with a numeric keyboard: browsers throw away what they cannot read in a
        number input, so it could not be shown again beside its error.
        """
        return _INPUT_TYPES.get(self.item.type, "text")

    @property
    def input_mode(self) -> str | None:
        """The keyboard to show on a small device."""
        return _INPUT_MODES.get(self.item.type)

    @property
    def choices(self) -> list[tuple[str, str]] | None:
        """What to choose from, None for fields that are typed."""
        if self.item.type is FieldType.BOOLEAN:
            return [("true", "yes"), ("false", "no")]
        if self.item.type is FieldType.CATEGORY:
            return [(str(category), str(category)) for category in self.item.categories or ()]
        return None

    @property
    def long(self) -> bool:
        """Whether a large field fits better."""
        return self.item.type is FieldType.TEXT and len(self.value) > _LONG_TEXT

    @property
    def hint(self) -> str:
        """What may be entered, in few words."""
        parts = [self.item.description, self._range(), None if self.item.required else "optional"]
        return " · ".join(part for part in parts if part)

    @property
    def longest(self) -> int | None:
        """How many characters fit."""
        return MAX_TEXT if self.item.type is FieldType.TEXT else None

    def _range(self) -> str | None:
        low, high = self.item.minimum, self.item.maximum
        if low is not None and high is not None:
            return f"{_bound(low)} to {_bound(high)}"
        if low is not None:
            return f"{_bound(low)} or more"
        return None if high is None else f"{_bound(high)} or less"


def _bound(bound: float) -> str:
    """Write a bound; four digits stay together, for they may be a year."""
    return f"{bound:.15g}" if abs(bound) < 10_000 else f"{bound:,.15g}"


def form_fields(
    signature: Signature, values: Mapping[str, str], faults: Sequence[InputFault]
) -> list[FormField]:
    """Return the form's fields with the values typed so far and the error of each."""
    errors = {fault.pointer: fault.message for fault in faults}
    fields = []
    for number, item in enumerate(signature.inputs):
        pointer = storable(pointer_to("inputs", 0, item.name))
        fields.append(
            FormField(
                item=item,
                value=values.get(item.name, ""),
                error=errors.get(pointer),
                pointer=pointer,
                number=number,
            )
        )
    return fields


def typed_values(form: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed into the fields of a model's form, by the names of its inputs."""
    return {
        name.removeprefix(_PREFIX): text for name, text in form.items() if name.startswith(_PREFIX)
    }
