"""Answers: what a request is told, from its own records or from those of an earlier request.

Both are made of the same columns, so a replayed answer has the bytes of the first one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Text, cast, select

from app.extensions import db
from app.identifiers import first_id_at, time_of
from app.models import Prediction, Status
from app.recorder import Record
from app.services.errors import ServiceError, StoredError, UnknownThingError, class_of_problem
from app.services.history import leaf_hash_of

_LONGEST_REQUEST = timedelta(days=1)


class AnsweredRow(NamedTuple):
    """One row's answer: its record, the canonical bytes of the output, and the leaf hash."""

    id: str
    output: bytes
    leaf_hash: bytes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a request was told; `replayed` if it was told so before."""

    request_id: str
    model: str
    version: int
    rows: Sequence[AnsweredRow]
    replayed: bool = False


def answer_of(records: Sequence[Record]) -> Answer:
    """Return the answer that records are; it may leave when they are committed."""
    facts = records[0].facts
    return Answer(
        request_id=str(facts.request_id),
        model=facts.model or "",
        version=facts.model_version or 0,
        rows=[
            AnsweredRow(id=str(r.facts.id), output=r.parts["output"], leaf_hash=r.leaf_hash)
            for r in records
        ],
    )


def stored_answer(request_id: UUID) -> Answer:
    """Return the answer to an earlier request, from its records.

    Raises:
        ServiceError: the error that it was answered with.
        UnknownThingError: if the records are gone, or were erased.
    """
    began = time_of(request_id)
    found = db.session.execute(
        select(Prediction, cast(Prediction.output, Text).label("written"))
        .where(
            Prediction.request_id == request_id,
            Prediction.id >= first_id_at(began),
            Prediction.id < first_id_at(began + _LONGEST_REQUEST),
        )
        .order_by(Prediction.row)
    ).all()
    if not found or any(row.written is None for row in found):
        raise UnknownThingError("The answer under this key is not kept any more.")
    first: Prediction = found[0].Prediction
    if first.status != Status.ACCEPTED:
        raise _stored_error(first)
    return Answer(
        request_id=str(request_id),
        model=first.model or "",
        version=first.model_version or 0,
        rows=[
            AnsweredRow(
                id=str(row.Prediction.id),
                output=row.written.encode(),
                leaf_hash=leaf_hash_of(row.Prediction),
            )
            for row in found
        ],
        replayed=True,
    )


def _stored_error(record: Prediction) -> ServiceError:
    problem = record.output if isinstance(record.output, dict) else {}
    return StoredError(problem, class_of_problem(problem), record.request_id, record.id)
