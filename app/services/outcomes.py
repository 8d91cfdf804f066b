"""Outcomes: what turned out to be true of predictions. Of several the newest one counts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Float,
    ScalarSelect,
    Text,
    case,
    cast,
    exists,
    func,
    literal_column,
    not_,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from app.extensions import db
from app.models import Outcome, Prediction
from app.query.checking import Present, Test
from app.query.fields import Field, Kind
from app.services.conditions import Bool, compared


def outcomes_of(record: Prediction) -> Sequence[Outcome]:
    """Return what was reported of a prediction, the newest first."""
    query = select(Outcome).where(Outcome.prediction_id == record.id).order_by(Outcome.id.desc())
    return db.session.scalars(query).all()


def newest_outcomes(ids: Sequence[UUID], session: Session | None = None) -> dict[UUID, Outcome]:
    """Return the outcome that counts of each prediction that has one."""
    query = select(Outcome).where(Outcome.prediction_id.in_(ids))
    query = query.ext(distinct_on(Outcome.prediction_id)).order_by(
        Outcome.prediction_id, Outcome.id.desc()
    )
    return {found.prediction_id: found for found in (session or db.session).scalars(query)}


def has_outcome(field: Field, test: Test, *, so: bool) -> Bool:
    """Return the condition that a prediction's outcome passes a test, or that it has one and does not.

    Outcomes may be few: the database begins with them where that is less work.
    """
    found, later = select(Outcome.prediction_id).where(Outcome.value.is_not(None)), aliased(Outcome)
    is_corrected = exists().where(
        later.prediction_id == Outcome.prediction_id, later.id > Outcome.id
    )
    found = found.where(not_(is_corrected))
    if isinstance(test, Present) and not so:
        one = exists().where(Outcome.prediction_id == Prediction.id, Outcome.value.is_not(None))
        return not_(one)
    if isinstance(test, Present):
        return Prediction.id.in_(found)
    condition = compared(value_of_outcome(field), test)
    return Prediction.id.in_(found.where(condition if so else not_(condition)))


def value_of_outcome(field: Field) -> ColumnElement[Any]:
    """Return the value of an outcome; null unless it is of the field's kind."""
    text: ColumnElement[Any] = Outcome.value.op("#>>", return_type=Text)(literal_column("'{}'"))
    if field.kind is Kind.NUMBER:
        return case((func.json_typeof(Outcome.value) == "number", cast(text, Float)))
    return text.collate("C")


def newest_value() -> ScalarSelect[Any]:
    """Return the text of the newest outcome of a prediction, to be read along with it."""
    query = select(cast(Outcome.value, Text)).where(Outcome.prediction_id == Prediction.id)
    return query.order_by(Outcome.id.desc()).limit(1).scalar_subquery()
