"""Conditions joined by and, or and not, whatever the conditions are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class And:
    """All of them."""

    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Or:
    """One of them at least."""

    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Not:
    """All but that."""

    part: Any


def replace(tree: Any, leaf: Callable[[Any], Any]) -> Any:
    """Return a tree with each condition replaced by another one, or by a tree of some."""
    match tree:
        case And(parts):
            return And(tuple(replace(part, leaf) for part in parts))
        case Or(parts):
            return Or(tuple(replace(part, leaf) for part in parts))
        case Not(part):
            return Not(replace(part, leaf))
        case _:
            return leaf(tree)
