r"""The grammar: from the text of a query to a tree.

query   = or
or      = and *( "OR" and )
and     = not *( [ "AND" ] not )
not     = [ "-" / "NOT" ] ( "(" or ")" / term / text )
term    = name ":" ( value / "(" or ")" )     ; in those parentheses a value stands without its name
value   = ( ">=" / "<=" / ">" / "<" ) operand / [ operand ] ".." [ operand ] / operand
name    = operand
operand = 1*( any character but space, parentheses and quotation mark ) / quoted
quoted  = '"' *( any character / '\"' / '\\' ) '"'
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from app.query.errors import QueryError
from app.query.tree import And, Not, Or

LONGEST = 2_000
MOST_TERMS = 100
DEEPEST = 20


@dataclass(frozen=True)
class Operand:
    """A word as it was meant, and where it stands; what is quoted has no wildcards."""

    text: str
    start: int
    end: int
    quoted: bool = False


@dataclass(frozen=True)
class Is:
    """Equality with a value."""

    value: Operand


@dataclass(frozen=True)
class Compared:
    """A comparison with a value: `>`, `>=`, `<` or `<=`."""

    operator: str
    value: Operand


@dataclass(frozen=True)
class Between:
    """A range with its ends; None where it has none."""

    low: Operand | None
    high: Operand | None


@dataclass(frozen=True)
class Term:
    """What is asked of a field; without a name it is text to be found somewhere."""

    name: Operand | None
    test: Is | Compared | Between


Node: TypeAlias = Term | And | Or | Not

_SPACE = re.compile(r"\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_NAME = re.compile(r"[^\s()\":]+")
_BARE = re.compile(r'(?:(?!\.\.)[^\s()"])+')
_OPERATOR = re.compile(r">=|<=|>|<")
_WORD = re.compile(r"(OR|AND|NOT)(?=[\s()]|$)")
_NEGATIVE = re.compile(r"-\.?\d")


def parse(query: str) -> Node | None:
    """Return the tree of a query, None for an empty one.

    Raises:
        QueryError: if it is none; it says what is wrong, and where.
    """
    if len(query) > LONGEST:
        raise QueryError(f"A query has at most {LONGEST:,} characters.", LONGEST, len(query))
    return _Parser(query).parse()


def conjuncts(query: str) -> list[tuple[str, Node]]:
    """Return the parts of a query that must all hold, each as it is written.

    Raises:
        QueryError: if it is no query.
    """
    parser = _Parser(query)
    tree = parser.parse()
    if isinstance(tree, Or) and len(parser.outermost) > 1:
        return [(f"({query.strip()})", tree)]
    return [(query[start:end], node) for start, end, node in parser.outermost]


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query
        self._at = 0
        self._terms = 0
        self._depth = 0
        self.outermost: list[tuple[int, int, Node]] = []

    def parse(self) -> Node | None:
        if self._ends():
            return None
        found = self._or(None)
        if not self._ends():
            raise self._error("There is no parenthesis that this one closes.", 1)
        return found

    def _or(self, name: Operand | None) -> Node:
        parts = [self._and(name)]
        while self._takes_word("OR"):
            parts.append(self._and(name))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self, name: Operand | None) -> Node:
        parts = [self._part(name)]
        while not self._ends() and not self._sees(")") and self._word() != "OR":
            self._takes_word("AND")
            parts.append(self._part(name))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _part(self, name: Operand | None) -> Node:
        self._skip_space()
        start = self._at
        found = self._not(name)
        if not self._depth:
            self.outermost.append((start, self._at, found))
        return found

    def _not(self, name: Operand | None) -> Node:
        negated = False
        while self._takes_word("NOT") or self._takes_minus(name):
            negated = not negated
        found = self._in_parentheses(name) if self._takes("(") else self._term(name)
        return Not(found) if negated else found

    def _in_parentheses(self, name: Operand | None) -> Node:
        opened, self._depth = self._at - 1, self._depth + 1
        if self._depth > DEEPEST:
            raise QueryError(f"Parentheses may be {DEEPEST} deep.", opened, opened + 1)
        found = self._or(name)
        self._skip_space()
        if not self._takes(")"):
            raise QueryError("This parenthesis is not closed.", opened, opened + 1)
        self._depth -= 1
        return found

    def _term(self, name: Operand | None) -> Node:
        if word := self._word():
            raise self._error(f"Something must stand before {word}.", len(word))
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise self._error(f"A query has at most {MOST_TERMS} conditions.", 1)
        if name is not None:
            return Term(name, self._test(name))
        if (found := self._name()) is None:
            return Term(None, Is(self._text()))
        if self._takes("("):
            return self._in_parentheses(found)
        return Term(found, self._test(found))

    def _name(self) -> Operand | None:
        """Take a name with its colon; nothing if there is none."""
        start = self._at
        found = _QUOTED.match(self._query, start) or _NAME.match(self._query, start)
        if found is None or not self._query.startswith(":", found.end()):
            return None
        self._at = found.end() + 1
        return _operand(found)

    def _test(self, name: Operand) -> Is | Compared | Between:
        if found := _OPERATOR.match(self._query, self._at):
            self._at = found.end()
            return Compared(found[0], self._operand(f"Say what {name.text} is compared with."))
        low = self._find_operand()
        if self._takes(".."):
            high = self._find_operand()
            if low is None and high is None:
                raise self._error("A range needs an end, such as 1..5, 1.. or ..5.", 2, back=2)
            return Between(low, high)
        if low is None:
            raise self._error(f"Write what {name.text} is to be right behind the colon.", 1)
        return Is(low)

    def _text(self) -> Operand:
        return self._operand("Write what to find.")

    def _operand(self, missing: str) -> Operand:
        if (found := self._find_operand()) is None:
            raise self._error(missing, 1)
        return found

    def _find_operand(self) -> Operand | None:
        if self._sees('"'):
            found = _QUOTED.match(self._query, self._at)
            if found is None:
                raise self._error("This quotation mark is not closed.", 1)
        elif (found := _BARE.match(self._query, self._at)) is None:
            return None
        self._at = found.end()
        return _operand(found)

    def _takes_minus(self, name: Operand | None) -> bool:
        """Where values stand, a minus before a digit is a sign."""
        if name is not None and _NEGATIVE.match(self._query, self._at):
            return False
        return self._takes("-")

    def _word(self) -> str | None:
        self._skip_space()
        found = _WORD.match(self._query, self._at)
        return found[1] if found else None

    def _takes_word(self, word: str) -> bool:
        if self._word() != word:
            return False
        self._at += len(word)
        if self._ends():
            raise self._error(f"Something must follow {word}.", len(word), back=len(word))
        return True

    def _takes(self, text: str) -> bool:
        if not self._sees(text):
            return False
        self._at += len(text)
        return True

    def _sees(self, text: str) -> bool:
        return self._query.startswith(text, self._at)

    def _ends(self) -> bool:
        self._skip_space()
        return self._at == len(self._query)

    def _skip_space(self) -> None:
        found = _SPACE.match(self._query, self._at)
        self._at = found.end() if found else self._at

    def _error(self, message: str, length: int, *, back: int = 0) -> QueryError:
        start = self._at - back
        return QueryError(message, start, min(start + length, max(len(self._query), start)))


def _operand(found: re.Match[str]) -> Operand:
    """Return a word as it was meant: what is quoted without its marks."""
    text = found[0]
    if quoted := text.startswith('"'):
        text = re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return Operand(text, found.start(), found.end(), quoted)
