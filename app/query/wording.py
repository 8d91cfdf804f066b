"""A query in one plain sentence, so that people see what it means."""

from datetime import date, datetime
from typing import Any

from app.query.checking import Checked, Condition, Equals, Found, Matches, Present, Within
from app.query.tree import And, Not, Or


def sentence(tree: Checked | None) -> str:
    """Return what a query means, as a sentence."""
    if tree is None:
        return "All records."
    return f"Records where {_said(tree)}."


def _said(tree: Checked, *, within: bool = False) -> str:
    match tree:
        case And(parts):
            said = " and ".join(_said(part, within=True) for part in parts)
        case Or(parts):
            said = " or ".join(_said(part, within=True) for part in parts)
        case Not(part):
            return f"it is not so that {_said(part, within=True)}"
        case Found(text):
            return f"“{text}” is somewhere in what was sent"
        case Condition():
            return _condition(tree)
    return f"({said})" if within else said


def _condition(condition: Condition) -> str:
    field, test = condition.field, condition.test
    unit = f" {field.unit}" if field.unit else ""
    match test:
        case Present():
            return f"there is a value of {field.name}"
        case Equals(value):
            return f"{field.name} is {_value(value)}{unit}"
        case Matches(pattern):
            return f"{field.name} is like {pattern}"
        case Within():
            return f"{field.name} is {_between(test, unit)}"


def _between(test: Within, unit: str) -> str:
    if test.high is None:
        return f"{'above' if test.low_open else _least(test.low)} {_value(test.low)}{unit}"
    if test.low is None:
        return f"{'below' if test.high_open else 'at most'} {_value(test.high)}{unit}"
    to = "to before" if test.high_open else "to"
    return f"from {_value(test.low)} {to} {_value(test.high)}{unit}"


def _least(value: Any) -> str:
    return "from" if isinstance(value, date | datetime) else "at least"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime):
        whole_day = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return f"{value:%Y-%m-%d}" if whole_day else value.isoformat(" ").replace("+00:00", " UTC")
    return str(value)
