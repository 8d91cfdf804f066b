"""Columns of the history: which fields of a model a person sees in the list, and their values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.access import Caller
from app.extensions import db
from app.models import ColumnChoice, Model, Prediction, Status
from app.query.editing import read_names, written
from app.query.fields import Field, UnknownFieldError, Vocabulary
from app.services import search
from app.services.errors import invalid_query
from app.services.outcomes import newest_outcomes

_AT_FIRST = 4
_MOST = 50


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The fields of a model that a person sees in the list, and all that there are."""

    model: str
    shown: Sequence[Field]
    known: Sequence[Field]

    @property
    def text(self) -> str:
        """The names of what is shown, as they are written in a query."""
        return " ".join(written(field.name) for field in self.shown)


def columns_for(caller: Caller, known: search.Signatures, query: str) -> Columns | None:
    """Return the columns for a query that is about one of the known models, None for others.

    Raises:
        QueryError: if it is none.
    """
    if (model := search.its_model(known, query)) is None:
        return None
    fields = search.fields_of(known, model)
    choice = db.session.scalar(
        select(ColumnChoice.fields)
        .join(Model, Model.id == ColumnChoice.model_id)
        .where(ColumnChoice.user_id == caller.user_id, Model.name == model)
    )
    by_name = {field.name: field for field in fields}
    inputs = [field for field in fields if field.path[0] == "inputs"]
    shown = inputs[:_AT_FIRST] if choice is None else [by_name[n] for n in choice if n in by_name]
    return Columns(model=model, shown=shown, known=fields)


def choose_columns(caller: Caller, model: str, names: str) -> None:
    """Remember which fields a caller wants to see, in their order.

    Raises:
        InvalidQueryError: if there is no such field, or no such model for them.
    """
    known = search.signatures_for(caller)
    if model not in known:
        raise invalid_query("model", "There is no such model that you may use.")
    vocabulary = Vocabulary(search.fields_of(known, model))
    try:
        fields = list(dict.fromkeys(vocabulary.find(name).name for name in read_names(names)))
    except UnknownFieldError as error:
        raise invalid_query("columns", str(error)) from None
    if len(fields) > _MOST:
        raise invalid_query("columns", f"Choose at most {_MOST} fields.")
    model_id = db.session.scalar(select(Model.id).where(Model.name == model))
    choice = insert(ColumnChoice).values(user_id=caller.user_id, model_id=model_id, fields=fields)
    keys = ["user_id", "model_id"]
    db.session.execute(choice.on_conflict_do_update(index_elements=keys, set_={"fields": fields}))
    db.session.commit()


def values_of(records: Sequence[Prediction], fields: Sequence[Field]) -> dict[UUID, list[Any]]:
    """Return the values of fields in those of some records that were answered, by the records' identifiers."""
    if not fields:
        return {}
    ids = [record.id for record in records if record.status == Status.ACCEPTED]
    query = select(Prediction.id, Prediction.inputs, Prediction.output).where(
        Prediction.id.in_(ids)
    )
    outcomes = newest_outcomes(ids) if any(field.path == ("outcome",) for field in fields) else {}
    found = {}
    for identifier, inputs, output in db.session.execute(query):
        outcome = outcomes[identifier].value if identifier in outcomes else None
        parts = {"inputs": inputs, "output": output, "outcome": outcome}
        found[identifier] = [search.value_in(parts, field) for field in fields]
    return found
