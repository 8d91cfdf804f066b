"""Queries changed by a click: what is asked of a field is replaced, and everything else stays as it was written."""

import re

from app.query.errors import QueryError
from app.query.syntax import Node, Term, conjuncts, parse
from app.query.tree import And, Not, Or

_BARE = re.compile(r"(?!-|.*\.\.|(?:OR|AND|NOT)$)[\w.-]+")

_NAMES = re.compile(r'"((?:[^"\\]|\\.)+)"|([^\s",]+)')


def refine(query: str, name: str, asked: str = "") -> str:
    """Return a query that asks this of a field, and what it asked of it before no more.

    Args:
        query: a query.
        name: the field.
        asked: the conditions on the field, as they are written in a query; nothing if there shall be none.

    Raises:
        QueryError: if `query` is none.
    """
    if parse(query) is None:
        return asked
    kept = [text for text, node in conjuncts(query) if _names_in(node) != {name.casefold()}]
    return " ".join([*kept, asked] if asked else kept)


def asks_for(query: str, asked: str) -> bool:
    """Whether a query asks for this, in the very words."""
    return parse(query) is not None and asked in [text for text, _ in conjuncts(query)]


def read_names(text: str) -> list[str]:
    """Return names that stand one after another, each as it is written in a query."""
    found = _NAMES.findall(text)
    return [re.sub(r"\\(.)", r"\1", quoted) if quoted else bare for quoted, bare in found]


def is_query(text: str) -> bool:
    """Whether a text is a query."""
    try:
        parse(text)
    except QueryError:
        return False
    return True


def written(word: str) -> str:
    """Return a name or value as it stands in a query: between quotation marks unless it is plain."""
    if _BARE.fullmatch(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _names_in(node: Node) -> set[str]:
    """Return the fields that a part of a query is about, in small letters; text that has none has an empty name."""
    match node:
        case And(parts) | Or(parts):
            return {name for part in parts for name in _names_in(part)}
        case Not(part):
            return _names_in(part)
        case Term(name):
            return {name.text.casefold() if name else ""}
