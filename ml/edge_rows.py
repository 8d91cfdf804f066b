"""Rows at the edges of what a signature allows: where shortcuts would show that they are not equal."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ml.signature import FieldType, InputField, Signature
from ml.validation import MAX_SAFE_INTEGER, InvalidRowsError, Row, Validator

_TINY, _SMALL, _LARGE, _HUGE = 5e-324, 1e-300, 1e39, 1.7e308


def edge_rows(signature: Signature, validator: Validator, count: int) -> list[Row]:
    """Return up to `count` valid rows of bounds, zeros, tiny and huge numbers, every category, gaps.

    The same signature gives the same rows.
    """
    dice = random.Random(0)
    edges = {item.name: list(_edges(item)) for item in signature.inputs}
    drafts = (_draft(edges, number, dice) for number in range(count))
    return [row for draft in drafts if (row := _valid(validator, draft)) is not None]


def _draft(edges: Mapping[str, Sequence[Any]], number: int, dice: random.Random) -> dict[str, Any]:
    """Return one kind of edge in all fields in the first rows, all kinds together in the later ones."""
    return {
        name: values[number % len(values)] if number < 2 * len(values) else dice.choice(values)
        for name, values in edges.items()
    }


def _valid(validator: Validator, draft: dict[str, Any]) -> Row | None:
    try:
        return validator.parse_json([draft])[0]
    except InvalidRowsError:
        return None


def _edges(item: InputField) -> Iterator[Any]:
    yield item.typical
    if not item.required:
        yield None
    match item.type:
        case FieldType.CATEGORY:
            yield from item.categories or ()
        case FieldType.BOOLEAN:
            yield from (False, True)
        case FieldType.INTEGER:
            yield from (int(number) for number in _numbers(item, MAX_SAFE_INTEGER))
        case FieldType.NUMBER:
            yield from _numbers(item, _HUGE)
            yield from (number for number in (_TINY, -_SMALL, _LARGE) if _fits(item, number))
        case FieldType.TEXT:
            yield from ("", "a")
        case FieldType.DATE:
            yield from ("1900-01-01", "2100-12-31")


def _numbers(item: InputField, huge: float) -> Iterator[float]:
    yield -huge if item.minimum is None else item.minimum
    yield huge if item.maximum is None else item.maximum
    yield from item.observed or ()
    yield from (number for number in (0, 1) if _fits(item, number))


def _fits(item: InputField, number: float) -> bool:
    low, high = item.minimum, item.maximum
    return (low is None or low <= number) and (high is None or number <= high)
