"""How well a model did, among the records whose outcome is known: all together, by version, week and any choice."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import itemgetter
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Text, cast, literal, select

from app.access import Caller
from app.identifiers import time_of
from app.models import Model, Prediction, Status
from app.query.editing import refine, written
from app.query.fields import Field, Kind
from app.services import search
from app.services.errors import invalid_query
from app.services.history import PATIENCE_MS, bounded, fitting
from app.services.outcomes import newest_value
from ml import performance, truth
from ml.performance import Bin, ClassMetrics, Estimate
from ml.signature import Output, OutputType

MOST = 50_000
_MOST_POINTS = 1_000
_MOST_SLICES = 20
_MOST_CLASSES = 30
#: The name of no field: what a query asks already stays.
_NOTHING = " "
_SLICED = (Kind.CHOICE, Kind.BOOLEAN)


@dataclass(frozen=True)
class _Answer:
    week: date
    version: int
    answered: Any
    probabilities: Mapping[str, float] | None
    outcome: Any
    slice: str | None

    @property
    def is_labelled(self) -> bool:
        return self.outcome is not None


@dataclass(frozen=True, kw_only=True)
class Group:
    """Some answers: how many, how many of them have an outcome, and how well these did.

    `query` finds the records of a group.
    """

    label: str
    query: str
    count: int
    labelled: int
    metrics: dict[str, Estimate | None]

    @property
    def coverage(self) -> float:
        """The share of the answers whose outcome is known."""
        return self.labelled / self.count if self.count else 0.0


@dataclass(frozen=True, kw_only=True)
class Performance:
    """How well a model did. `more`: there are more records than were looked at, the newest `MOST`.

    For classes `by_class`, `confusion` (rows are true) and `calibration` of `calibrated`; for numbers `residuals`,
    pairs of what was answered and how far it was off, of some of the answers.
    """

    whole: Group
    more: bool
    versions: Sequence[Group]
    weeks: Sequence[Group]
    slices: Sequence[Group] = ()
    sliced_by: Field | None = None
    can_slice: Sequence[Field] = ()
    unit: str | None = None
    classes: Sequence[str] = ()
    by_class: Sequence[ClassMetrics] = ()
    confusion: Sequence[Sequence[int]] = ()
    positive: str | None = None
    calibrated: str = ""
    calibration: Sequence[Bin] = ()
    residuals: Sequence[tuple[float, float]] = field(default=())


def performance_of(caller: Caller, model: Model, query: str, by: str = "") -> Performance | None:
    """Return how well a model did, None if it has no version.

    Args:
        caller: only what they see is counted.
        model: the model.
        query: which of its records.
        by: the name of a field of choices, to compare the values of.

    Raises:
        InvalidQueryError: if the query is none, `by` is no such field, or it takes too long.
    """
    known = search.signatures_for(caller).get(model.name)
    if not known:
        return None
    output = next(iter(known.values())).output
    fields = [f for f in search.fields_of({model.name: known}, model.name) if f.path[0] == "inputs"]
    can_slice = [one for one in fields if one.kind in _SLICED]
    slicer = _slicer(can_slice, by)
    alike = {n: one.output for n, one in known.items() if one.output.type is output.type}
    answers, more = _fetch(caller, model, query, alike, slicer)
    measure = _Measure(output, answers)
    groups = _Groups(f"model:{written(model.name)} {query}".strip(), answers, measure)
    return Performance(
        whole=groups.whole(), more=more, unit=output.unit, positive=measure.positive, can_slice=can_slice, sliced_by=slicer,
        versions=groups.by(lambda a: a.version, lambda v: (f"{v}", f"version:{v}")),
        weeks=groups.by(lambda a: a.week, lambda w: (f"{w}", f"at:{w}..{w + timedelta(days=6)}")),
        slices=_slices(groups, slicer) if slicer else (), **measure.details(),
    )  # fmt: skip


def _slicer(fields: Sequence[Field], by: str) -> Field | None:
    if not by:
        return None
    for one in fields:
        if one.name == by:
            return one
    raise invalid_query("by", "Choose a field that has categories.")


def _slices(groups: "_Groups", slicer: Field) -> list[Group]:
    def named(value: str) -> tuple[str, str]:
        return value, f"{written(slicer.name)}:{written(value)}"

    found = groups.by(lambda a: a.slice, named)
    return sorted(found, key=lambda group: -group.count)[:_MOST_SLICES]


def _fetch(
    caller: Caller, model: Model, query: str, versions: Mapping[int, Output], slicer: Field | None
) -> tuple[list[_Answer], bool]:
    asked = search.read_query(caller, query, of=model.name)
    chosen = Prediction.inputs[slicer.path[1]].as_string() if slicer else literal(None, Text)
    columns = (Prediction.id, Prediction.model_version, cast(Prediction.output, Text), newest_value(), chosen)  # fmt: skip
    of_model = (Prediction.model_id == model.id) & (Prediction.status == Status.ACCEPTED)
    statement = fitting(select(*columns).where(of_model), caller, asked)
    statement = statement.where(
        Prediction.model_version.in_(versions), Prediction.output.is_not(None)
    )
    rows = bounded(statement.limit(MOST + 1), PATIENCE_MS)
    return [_answer(versions, *row) for row in rows[:MOST]], len(rows) > MOST


def _answer(
    outputs: Mapping[int, Output], identifier: Any, version: int, output: str, outcome: str | None, chosen: Any
) -> _Answer:  # fmt: skip
    found, day = orjson.loads(output), time_of(identifier).date()
    return _Answer(
        week=day - timedelta(days=day.weekday()), version=version, answered=found["prediction"],
        probabilities=_by_class(outputs[version], found.get("probabilities")),
        outcome=None if outcome is None else orjson.loads(outcome), slice=chosen,
    )  # fmt: skip


def _by_class(output: Output, shares: dict[str, float] | None) -> dict[str, float] | None:
    """Return probabilities by class as it is written elsewhere: Python writes True, and 1.0."""
    if shares is None:
        return None
    names = {str(one): truth.written(one) for one in output.classes or ()}
    return {names.get(name, name): share for name, share in shares.items()}


class _Groups:
    """Answers, put together in several ways."""

    def __init__(self, query: str, answers: Sequence[_Answer], measure: "_Measure") -> None:
        self._query, self._answers, self._measure = query, answers, measure

    def whole(self) -> Group:
        return self._group("all", self._query, self._answers)

    def by(
        self, key: Callable[[_Answer], Any], name: Callable[[Any], tuple[str, str]]
    ) -> list[Group]:
        """Return a group for each value of a key that is there, the smallest first."""
        members: dict[Any, list[_Answer]] = {}
        for answer in self._answers:
            members.setdefault(key(answer), []).append(answer)
        found = []
        for value in sorted(value for value in members if value is not None):
            label, asked = name(value)
            query = refine(self._query, _NOTHING, asked)
            found.append(self._group(label, query, members[value]))
        return found

    def _group(self, label: str, query: str, answers: Sequence[_Answer]) -> Group:
        labelled = [answer for answer in answers if answer.is_labelled]
        return Group(
            label=label, query=query, count=len(answers), labelled=len(labelled),
            metrics=self._measure.metrics_of(labelled),
        )  # fmt: skip


class _Measure:
    """The metrics that fit what a model answers."""

    def __init__(self, output: Output, answers: Iterable[_Answer]) -> None:
        self._output = output
        self._labelled = [answer for answer in answers if answer.is_labelled]

    def metrics_of(self, labelled: Sequence[_Answer]) -> dict[str, Estimate | None]:
        if self._output.type is OutputType.REGRESSION:
            return performance.errors(*_numbers(labelled))
        true, answered = _words(labelled)
        found = {"accuracy": performance.accuracy(true, answered)}
        shares = _shares(labelled)
        if shares:
            found["brier_score"] = performance.brier_score(true, shares)
        if self.positive is not None:
            scores = np.array([[one.get(self.positive, 0.0)] for one in shares]) if shares else None
            (told,) = performance.by_class([self.positive], true, answered, scores)
            found |= {"precision": told.precision, "recall": told.recall, "roc_auc": told.roc_auc}
        return found

    @property
    def positive(self) -> str | None:
        """The second of two classes, of which precision and recall are told; None if there are more, or others."""
        classes = [truth.written(one) for one in self._output.classes or ()]
        return classes[1] if len(classes) == 2 else None

    def details(self) -> dict[str, Any]:
        if not self._labelled:
            return {}
        if self._output.type is OutputType.REGRESSION:
            return {"residuals": self._residuals()}
        true, answered = _words(self._labelled)
        classes = self._classes()
        shares = _shares(self._labelled)
        table = np.array([[one.get(name, 0.0) for name in classes] for one in shares])
        found: dict[str, Any] = {
            "classes": classes,
            "by_class": performance.by_class(classes, true, answered, table if shares else None),
            "confusion": performance.confusion(classes, true, answered),
        }
        return found | (self._calibration(np.array(true), shares) if shares else {})

    def _classes(self) -> list[str]:
        """Return the classes that there are, the most frequent ones if they are too many for a table."""
        true, answered = _words(self._labelled)
        counts, known = (
            Counter(true + answered),
            [truth.written(one) for one in self._output.classes or ()],
        )
        every = list(dict.fromkeys([*known, *sorted(counts)]))
        often = {name for name, _ in counts.most_common(_MOST_CLASSES)}
        return every if len(every) <= _MOST_CLASSES else [name for name in every if name in often]

    def _calibration(self, true: Any, shares: Sequence[Mapping[str, float]]) -> dict[str, Any]:
        """Of two classes the second one's probability; of more, that of whichever is highest."""
        classes = [truth.written(one) for one in self._output.classes or ()]
        if len(classes) == 2:
            predicted = np.array([one.get(classes[1], 0.0) for one in shares])
            bins = performance.calibration(predicted, true == classes[1])
            return {"calibrated": classes[1], "calibration": bins}
        highest = [max(one.items(), key=itemgetter(1)) for one in shares]
        predicted = np.array([share for _, share in highest])
        bins = performance.calibration(predicted, np.array([name for name, _ in highest]) == true)
        return {"calibrated": "the most probable class", "calibration": bins}

    def _residuals(self) -> list[tuple[float, float]]:
        step = -(-len(self._labelled) // _MOST_POINTS)
        true, answered = _numbers(self._labelled[::step])
        return [(float(a), float(a - t)) for t, a in zip(true, answered, strict=True)]


def _numbers(labelled: Sequence[_Answer]) -> tuple[Any, Any]:
    return (
        np.array([float(answer.outcome) for answer in labelled]),
        np.array([float(answer.answered) for answer in labelled]),
    )


def _shares(labelled: Sequence[_Answer]) -> list[Mapping[str, float]]:
    """Return the probabilities of each answer; of none, if one has none."""
    found = [answer.probabilities for answer in labelled if answer.probabilities]
    return found if len(found) == len(labelled) else []


def _words(labelled: Sequence[_Answer]) -> tuple[list[str], list[str]]:
    return (
        [truth.written(answer.outcome) for answer in labelled],
        [truth.written(answer.answered) for answer in labelled],
    )
