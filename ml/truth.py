"""The truth of a prediction, learned later: a value of the kind that the model answers."""

import re
from typing import Any

from ml.signature import MAX_TEXT, Output, OutputType, Scalar

_LARGEST = 1e150
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class TruthError(ValueError):
    """A value is none that the model could have answered; the message says which could."""


def read_truth(output: Output, given: Any) -> Scalar:
    """Return a JSON value as what a model answers.

    Args:
        output: what the model answers.
        given: the value.

    Raises:
        TruthError: if it is of another kind, or none of the classes.
    """
    match output.type:
        case OutputType.CLASSIFICATION if output.classes:
            return _read_class(output.classes, given)
        case OutputType.REGRESSION:
            return _read_number(given)
    return _read_label(given)


def read_written_truth(output: Output, text: str) -> Scalar:
    """Return a text, from a form or a table, as what a model answers.

    Raises:
        TruthError: see `read_truth`.
    """
    text = text.strip()
    match output.type:
        case OutputType.CLASSIFICATION if output.classes:
            by_name = {written(one).casefold(): one for one in output.classes}
            by_name |= {written(one): one for one in output.classes}
            return read_truth(output, by_name.get(text, by_name.get(text.casefold(), text)))
        case OutputType.REGRESSION:
            return read_truth(output, float(text) if _NUMBER.fullmatch(text) else text)
    return read_truth(output, text)


def written(value: Scalar) -> str:
    """Return a class or label as it is written: 1.0 as 1, and True as true."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _read_class(classes: tuple[Scalar, ...], given: Any) -> Scalar:
    for one in classes:
        if isinstance(given, bool) is isinstance(one, bool) and given == one:
            return one
    raise TruthError(f"Give one of: {', '.join(map(written, classes))}.")


def _read_number(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise TruthError("Give a number.")
    if (
        not abs(given) <= _LARGEST
    ):  # With larger ones no mean of squares is a number. NaN is none, either.
        raise TruthError(f"Give a number between -{_LARGEST:.0e} and {_LARGEST:.0e}.")
    return float(given) + 0.0  # Not -0.0: the canonical form has one zero.


def _read_label(given: Any) -> Scalar:
    if isinstance(given, str) and given and len(given) <= MAX_TEXT and "\x00" not in given:
        return given
    if isinstance(given, bool):
        return given
    if isinstance(given, int | float) and abs(given) < 2**53:
        return given
    raise TruthError("Give a label: a text, a number, true or false.")
