"""From the tree of a query to conditions on typed fields; what does not fit is an error at its place."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from app.query.errors import QueryError
from app.query.fields import HAS, Field, Kind, UnknownFieldError, Vocabulary
from app.query.syntax import Between, Compared, Is, Node, Operand, Term
from app.query.tree import And, Not, Or, replace
from app.query.values import (
    Span,
    ValueFaultError,
    read_boolean,
    read_choice,
    read_date,
    read_identifier,
    read_number,
    read_span,
)

MODEL = "model"
_VERSION_MARK = "@"


@dataclass(frozen=True)
class Equals:
    """The value is this one."""

    value: Any


@dataclass(frozen=True)
class Matches:
    """The text is like this: `*` stands for anything."""

    pattern: str


@dataclass(frozen=True)
class Within:
    """The value lies between these; None where there is no end. An end belongs to it unless it is open."""

    low: Any
    high: Any
    low_open: bool = False
    high_open: bool = False


@dataclass(frozen=True)
class Present:
    """There is a value."""


Test: TypeAlias = Equals | Matches | Within | Present


@dataclass(frozen=True)
class Condition:
    """What is asked of a field."""

    field: Field
    test: Test


@dataclass(frozen=True)
class Found:
    """A text is somewhere in what was sent."""

    text: str


Checked: TypeAlias = Condition | Found | And | Or | Not


def check(tree: Node, vocabulary: Vocabulary) -> Checked:
    """Return a query's tree with conditions on typed fields.

    Args:
        tree: as `app.query.syntax.parse` returns it.
        vocabulary: the fields that there are.

    Raises:
        QueryError: if a field is unknown, or a value does not fit it.
    """
    checked: Checked = replace(tree, partial(_check, vocabulary))
    return checked


def named_version(term: Term) -> tuple[str, str | None] | None:
    """Return the model that a term asks for, and the version if it says which; None if it asks for something else."""
    if term.name is None or term.name.text.casefold() != MODEL or not isinstance(term.test, Is):
        return None
    model, mark, number = term.test.value.text.rpartition(_VERSION_MARK)
    return (model, number) if mark else (number, None)


def _check(vocabulary: Vocabulary, term: Term) -> Checked:
    name, test = term.name, term.test
    if name is None:
        return Found(_text(test))
    if name.text.casefold() == HAS and isinstance(test, Is):
        return Condition(_find(vocabulary.find_of_any_kind, test.value), Present())
    model, number = named_version(term) or ("", None)
    if isinstance(test, Is) and number is not None:
        return _model_and_version(vocabulary, name, test.value, model, number)
    field = _find(vocabulary.find, name)
    return Condition(field, _test(field, name, test))


def _text(test: Is | Compared | Between) -> str:
    if not isinstance(test, Is):
        raise TypeError("the grammar gives text no other test")
    return test.value.text


def _model_and_version(
    vocabulary: Vocabulary, name: Operand, value: Operand, model: str, number: str
) -> Checked:
    """`model:churn@3` is a model and a version."""
    middle = value.end - len(number)
    asked = {
        "model": Operand(model, value.start, middle - 1, value.quoted),
        "version": Operand(number, middle, value.end, value.quoted),
    }
    conditions = []
    for part, operand in asked.items():
        field = _find(vocabulary.find, Operand(part, name.start, name.end))
        conditions.append(Condition(field, _test(field, name, Is(operand))))
    return And(tuple(conditions))


def _find(find: Callable[[str], Field], name: Operand) -> Field:
    try:
        return find(name.text)
    except UnknownFieldError as error:
        raise QueryError(str(error), name.start, name.end) from None


def _test(field: Field, name: Operand, test: Is | Compared | Between) -> Test:
    if isinstance(test, Is):
        return _equality(field, test.value)
    if field.kind not in _ORDERED:
        raise QueryError(
            f"{field.name} has no order: it can be asked for one value, not for a range.",
            name.start, name.end,
        )  # fmt: skip
    if isinstance(test, Compared):
        return _comparison(field, test)
    return _range(field, test)


def _equality(field: Field, value: Operand) -> Test:
    if field.kind is Kind.TEXT:
        wild = "*" in value.text and not value.quoted
        return Matches(value.text) if wild else Equals(value.text)
    read = _read(field, value)
    if isinstance(read, Span):
        return Within(read.start, read.end, high_open=True)
    return Equals(read)


def _comparison(field: Field, test: Compared) -> Within:
    value = _read(field, test.value)
    includes = "=" in test.operator
    if isinstance(value, Span):
        edge = value.start if (test.operator in (">=", "<")) else value.end
        return (
            Within(edge, None)
            if test.operator.startswith(">")
            else Within(None, edge, high_open=True)
        )
    if test.operator.startswith(">"):
        return Within(value, None, low_open=not includes)
    return Within(None, value, high_open=not includes)


def _range(field: Field, test: Between) -> Within:
    low, high = (None if end is None else _read(field, end) for end in (test.low, test.high))
    if test.low and test.high and _start(low) > _start(high):
        raise QueryError(
            f"{test.low.text} comes after {test.high.text}.", test.low.start, test.high.end
        )
    return Within(
        low.start if isinstance(low, Span) else low,
        high.end if isinstance(high, Span) else high,
        high_open=isinstance(high, Span),
    )


def _start(value: Any) -> Any:
    return value.start if isinstance(value, Span) else value


def _read(field: Field, value: Operand) -> Any:
    try:
        return _READERS[field.kind](field, value.text)
    except ValueFaultError as error:
        raise QueryError(str(error), value.start, value.end) from None


_ORDERED = frozenset({Kind.NUMBER, Kind.DATE, Kind.MOMENT})
_READERS: dict[Kind, Callable[[Field, str], Any]] = {
    Kind.NUMBER: read_number,
    Kind.BOOLEAN: read_boolean,
    Kind.CHOICE: read_choice,
    Kind.DATE: read_date,
    Kind.MOMENT: read_span,
    Kind.IDENTIFIER: read_identifier,
    Kind.TEXT: lambda _, text: text,
}
