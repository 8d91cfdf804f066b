"""Overviews: how many records a query finds, when they were made, and how their values are spread.

What is counted are the newest records that fit, up to `MOST`: so an overview takes the same short time
however long the book is, and says so where there are more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Text, case, cast, select

from app.access import Caller
from app.identifiers import time_of
from app.models import Prediction, Status
from app.query.checking import Checked, named_version
from app.query.editing import asks_for, is_query, refine, written
from app.query.fields import Field, Kind
from app.query.spread import Bar, counted, histogram, time_histogram
from app.query.syntax import Term, conjuncts
from app.services import search
from app.services.errors import InvalidQueryError
from app.services.history import bounded, fitting
from app.services.outcomes import newest_value
from app.services.reviews import newest_verdict

MOST = 10_000
PATIENCE_MS = 3_000
_MOST_CHOICES = 12
_OF_ALL = ("model", "version", "status", "channel", "review")


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some of the records: what they have in common, how many they are, and the query that finds them.

    Of a part that is chosen the query finds the others, too. A bar has its edges as they are written.
    """

    label: str
    count: int
    query: str
    chosen: bool
    low: str = ""
    high: str = ""


@dataclass(frozen=True, kw_only=True)
class Facet:
    """How the values of a field are spread: the most frequent ones, or bars of numbers.

    `others` have a value that is none of the most frequent, `missing` have none. `without` is the
    query that asks nothing of the field.
    """

    field: Field
    values: Sequence[Part] = ()
    bars: Sequence[Part] = ()
    others: int = 0
    missing: int = 0
    without: str = ""

    @property
    def tells(self) -> bool:
        """Whether there is something to choose, or something is chosen."""
        parts = [*self.values, *self.bars]
        return len(parts) > 1 or any(part.chosen for part in parts)


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What a query finds: `more` than it counts, if there are more than `MOST`."""

    count: int
    more: bool
    times: Facet
    facets: Sequence[Facet]


@dataclass(frozen=True)
class _Row:
    id: UUID
    model: str | None
    version: int | None
    status: str
    channel: str
    review: str | None
    inputs: Any
    output: Any
    outcome: Any


def overview(caller: Caller, query: str) -> Overview | None:
    """Return the overview of what a query finds among the records that a caller may see.

    None if it takes too long to find out.

    Raises:
        InvalidQueryError: if the query is none.
    """
    asked = search.read_query(caller, query)
    try:
        found = _fetch(caller, asked)
    except InvalidQueryError:
        return None
    rows = found[:MOST]
    models = {row.model for row in rows if row.model is not None}
    only = models.pop() if len(models) == 1 else None
    return Overview(
        count=len(rows),
        more=len(found) > MOST,
        times=_times(query, [time_of(row.id) for row in rows]),
        facets=[_facet(query, field, rows, only) for field in _fields(caller, only)],
    )


def _fetch(caller: Caller, asked: Checked | None) -> list[_Row]:
    def accepted(part: Any) -> Any:
        return case((Prediction.status == Status.ACCEPTED, cast(part, Text)))

    columns = (
        Prediction.id, Prediction.model, Prediction.model_version, Prediction.status, Prediction.channel, newest_verdict(caller),
        accepted(Prediction.inputs), accepted(Prediction.output), newest_value(),
    )  # fmt: skip
    query = fitting(select(*columns), caller, asked).limit(MOST + 1)
    return [_row(*row) for row in bounded(query, PATIENCE_MS)]


def _row(*columns: Any) -> _Row:
    facts, parts = columns[:-3], columns[-3:]
    return _Row(*facts, *(None if part is None else orjson.loads(part) for part in parts))


def _fields(caller: Caller, model: str | None) -> list[Field]:
    """Return the fields that are worth a look: those of a model only if all records are of it."""
    known = search.signatures_for(caller)
    ours = {field.name: field for field in search.vocabulary_of(known)}
    fields = search.fields_of(known, model) if model is not None and model in known else []
    return [ours[name] for name in _OF_ALL] + sorted(
        fields, key=lambda field: field.path[0] == "inputs"
    )


def _facet(query: str, field: Field, rows: Sequence[_Row], model: str | None) -> Facet:
    if model is not None and field.path[0] in ("inputs", "output", "outcome"):
        query = _of_model(query, model)
    found = _column(field, rows)
    there = [value for value in found if value is not None]
    missing, without = len(found) - len(there), refine(query, field.name)
    if field.kind is Kind.NUMBER and field.name != "version":
        bars = [_bar(query, field, bar) for bar in histogram(there)]
        return Facet(field=field, bars=bars, missing=missing, without=without)
    most = counted(map(_text, there), _MOST_CHOICES)
    values = [_choice(query, field, value, count) for value, count in most]
    others = len(there) - sum(count for _, count in most)
    return Facet(field=field, values=values, others=others, missing=missing, without=without)


def _of_model(query: str, model: str) -> str:
    """Return a query that says whose fields it means, which other models may have by the same names."""
    parts = conjuncts(query) if query.strip() else []
    if any(isinstance(node, Term) and named_version(node) for _, node in parts):
        return query
    whole = f"model:{written(model)} {refine(query, 'model')}".strip()
    return whole if is_query(whole) else query  # It may have been as long as a query can be.


def _column(field: Field, rows: Sequence[_Row]) -> list[Any]:
    """Return each record's value of a field, None where it has none of the field's kind."""
    part, *names = field.path
    found = [getattr(row, part) for row in rows]
    for name in names:
        found = [one.get(name) if isinstance(one, dict) else None for one in found]
    if field.kind is Kind.NUMBER:
        return [one if type(one) in (int, float) else None for one in found]
    return found


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _choice(query: str, field: Field, value: str, count: int) -> Part:
    asked = f"{written(field.name)}:{written(value)}"
    chosen = asks_for(query, asked)
    return Part(
        label=value,
        count=count,
        chosen=chosen,
        query=refine(query, field.name, "" if chosen else asked),
    )


def _bar(query: str, field: Field, bar: Bar[float]) -> Part:
    low, high = (repr(edge).removesuffix(".0") for edge in (bar.low, bar.high))
    return _between(query, field.name, low, high, bar.count, f"{low} to {high}")


def _between(query: str, name: str, low: str, high: str, count: int, label: str) -> Part:
    edges = f"{written(name)}:>={low}", f"{written(name)}:<{high}"
    chosen = all(asks_for(query, edge) for edge in edges)
    changed = refine(query, name, "" if chosen else " ".join(edges))
    return Part(label=label, count=count, query=changed, chosen=chosen, low=low, high=high)


def _times(query: str, moments: Sequence[datetime]) -> Facet:
    field = Field(name="at", kind=Kind.MOMENT, path=("at",), label="Time")
    bars = [
        _between(query, "at", _moment(bar.low), _moment(bar.high), bar.count,
                 f"{_short(bar.low)} to {_short(bar.high)}")
        for bar in time_histogram(moments)
    ]  # fmt: skip
    return Facet(field=field, bars=bars, without=refine(query, "at"))


def _moment(moment: datetime) -> str:
    return (
        f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        if moment.time() != moment.min.time()
        else f"{moment:%Y-%m-%d}"
    )


def _short(moment: datetime) -> str:
    return _moment(moment).replace("T", " ").removesuffix("Z").removesuffix(":00")
