"""Conditions of a search on one value, as SQL with bound parameters."""

from datetime import date
from typing import Any

from sqlalchemy import and_
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import ColumnElement

from app.query.checking import Equals, Matches, Present, Test, Within

Bool = ColumnElement[bool]


def compared(value: ColumnElement[Any] | InstrumentedAttribute[Any], test: Test) -> Bool:
    """Return the condition that a value passes a test."""
    match test:
        case Present():
            return value.is_not(None)
        case Equals(wanted):
            equal: Bool = value == _bound(wanted)
            return equal
        case Matches(pattern):
            return value.like(escaped(pattern).replace("*", "%"))
        case Within(low, high, low_open, high_open):
            edges = []
            if low is not None:
                edges.append(value > _bound(low) if low_open else value >= _bound(low))
            if high is not None:
                edges.append(value < _bound(high) if high_open else value <= _bound(high))
            return and_(*edges)


def _bound(value: Any) -> Any:
    """Return a value as it is in JSON: dates are text."""
    return value.isoformat() if isinstance(value, date) else value


def escaped(text: str) -> str:
    """Return a text as a pattern that is like nothing else."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
