"""Sampling: which of the records that fit a query are worth a look first."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Float, Select, Text, cast, func, select

from app.access import Caller
from app.models import Model, Prediction, SamplingRule, Status
from app.query.fields import Field, Kind, UnknownFieldError, Vocabulary
from app.services import search
from app.services.errors import invalid_query
from app.services.history import fitting
from app.services.outcomes import newest_value


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What to take: how many, by which rule, and what `NEAREST` is near to."""

    rule: str
    size: int
    field: str | None = None
    threshold: float | None = None


def sampled(caller: Caller, model: Model, query: str, sample: Sample) -> Select[Any]:
    """Return a query for the identifiers of a sample of a model's answered records, the first one first.

    Raises:
        InvalidQueryError: if the query is none, or the rule does not fit the model.
    """
    asked = search.read_query(caller, query, of=model.name)
    answered = (Prediction.model_id == model.id) & (Prediction.status == Status.ACCEPTED)
    found = select(Prediction.id).where(answered, Prediction.output.is_not(None))
    found = fitting(found, caller, asked).order_by(None)
    fields = search.signatures_for(caller)
    by_name = {field.name: field for field in search.fields_of(fields, model.name)}
    match sample.rule:
        case SamplingRule.RANDOM:
            found = found.order_by(func.random())
        case SamplingRule.LEAST_CONFIDENT:
            found = _least_confident(found, by_name)
        case SamplingRule.NEAREST:
            found = _nearest(found, by_name, sample)
        case SamplingRule.DISAGREEING:
            found = _disagreeing(found, by_name["outcome"])
        case _:
            raise invalid_query("rule", f"Choose one of: {', '.join(SamplingRule)}.")
    return found.limit(sample.size)


def _least_confident(found: Select[Any], by_name: dict[str, Field]) -> Select[Any]:
    if not any(name.startswith("probability.") for name in by_name):
        raise invalid_query("rule", "The model answers no probabilities.")
    probability = search.probability()
    return found.where(probability.is_not(None)).order_by(probability, Prediction.id.desc())


def _nearest(found: Select[Any], by_name: dict[str, Field], sample: Sample) -> Select[Any]:
    numbers = {
        name: field for name, field in by_name.items()
        if field.kind is Kind.NUMBER and field.path[0] in ("inputs", "output")
    }  # fmt: skip
    try:
        field = Vocabulary(numbers.values()).find(sample.field or "")
    except UnknownFieldError:
        raise invalid_query("field", f"Choose one of: {', '.join(numbers)}.") from None
    if sample.threshold is None:
        raise invalid_query("threshold", "Write a number.")
    value = search.value_of(field)
    found = found.where(value.is_not(None))
    return found.order_by(func.abs(value - sample.threshold), Prediction.id.desc())


def _disagreeing(found: Select[Any], outcome: Field) -> Select[Any]:
    """Return answers that turned out to be wrong; numbers the farthest off first."""
    truth, answered = newest_value(), Prediction.output["prediction"]
    if outcome.kind is Kind.NUMBER:
        distance = func.abs(cast(truth, Float) - answered.as_float())
        return found.where(distance > 0).order_by(distance.desc(), Prediction.id.desc())
    said = cast(answered, Text)
    return found.where(truth != said).order_by(Prediction.id.desc())
