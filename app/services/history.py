"""The history: which records a caller may see, a page at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg2.errors import QueryCanceled
from sqlalchemy import Executable, Select, false, or_, select, text, true
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, defer
from sqlalchemy.sql.elements import ColumnElement

from app.access import Caller
from app.extensions import db
from app.ledger.envelope import PARTS, PredictionFacts, prediction_envelope
from app.ledger.merkle import leaf_hash
from app.models import Environment, Model, ModelVersion, Prediction, Scope
from app.query.checking import Checked
from app.services import reviews
from app.services.errors import UnknownThingError, invalid_query
from app.services.model_access import is_usable
from app.services.outcomes import newest_outcomes
from app.services.search import condition_of
from app.services.users import addresses

PATIENCE_MS = 10_000
PAGE = 50
LONGEST_PAGE = 500


@dataclass(frozen=True, kw_only=True)
class Page:
    """Records, the newest first, and the cursor of the next page, None on the last one."""

    records: Sequence[Prediction]
    next: UUID | None


def find_predictions(
    caller: Caller,
    asked: Checked | None,
    *,
    limit: int = PAGE,
    before: UUID | None = None,
    with_inputs: bool = True,
) -> Page:
    """Return a page of the records that a caller may see.

    Args:
        caller: who asks.
        asked: which records, as `app.services.search.read_query` returns it; None for all.
        limit: how many at most.
        before: the cursor of the page, as the one before gave it.
        with_inputs: whether they are needed; those of a refused request may be megabytes.

    Raises:
        InvalidQueryError: if it takes too long to find out.
    """
    query = fitting(select(Prediction), caller, asked).limit(limit + 1)
    if not with_inputs:
        query = query.options(defer(Prediction.inputs, raiseload=True))
    if before is not None:
        query = query.where(Prediction.id < before)
    found = [record for (record,) in bounded(query, None if asked is None else PATIENCE_MS)]
    return Page(records=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


def fitting(query: Select[Any], caller: Caller, asked: Checked | None) -> Select[Any]:
    """Return a query for the records that fit and that a caller may see, the newest first."""
    query = query.where(visible(caller)).order_by(Prediction.id.desc())
    return query if asked is None else query.where(condition_of(caller, asked))


def bounded(query: Executable, milliseconds: int | None) -> Sequence[Any]:
    """Return the rows that a query finds.

    Raises:
        InvalidQueryError: if that takes longer than this.
    """
    if milliseconds is not None:
        db.session.execute(text(f"SET LOCAL statement_timeout = {milliseconds}"))
    try:
        return db.session.execute(query).all()
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        db.session.rollback()
        raise invalid_query(
            "q", "This takes too long: ask for less, such as one model and a shorter time."
        ) from None


def get_prediction(caller: Caller, identifier: UUID) -> Prediction:
    """Return one record.

    Raises:
        UnknownThingError: if there is none, or it is not theirs to see: the two look alike.
    """
    query = select(Prediction).where(Prediction.id == identifier, visible(caller))
    if (found := db.session.scalar(query)) is None:
        raise UnknownThingError("There is no such prediction that you may see.")
    return found


def siblings(record: Prediction, *, limit: int = PAGE) -> list[Prediction]:
    """Return the records of the same request, in the order of their rows."""
    query = select(Prediction).where(Prediction.request_id == record.request_id)
    return list(db.session.scalars(query.order_by(Prediction.id).limit(limit)))


def neighbours(caller: Caller, record: Prediction, *, limit: int = 5) -> list[Prediction]:
    """Return the records of the same model that came just before, as far as the caller sees them."""
    if record.model_id is None:
        return []
    before = (Prediction.model_id == record.model_id) & (Prediction.id < record.id)
    query = fitting(select(Prediction).where(before), caller, None)
    query = query.options(defer(Prediction.inputs, raiseload=True))
    return list(db.session.scalars(query.limit(limit)))


def signature_of(record: Prediction) -> dict[str, Any] | None:
    """Return the signature of the version that a record is of, as JSON values."""
    if record.model_id is None or record.model_version is None:
        return None
    version = db.session.get(ModelVersion, (record.model_id, record.model_version))
    return None if version is None else version.signature


def environment_of(record: Prediction) -> dict[str, Any] | None:
    """Return the environment that a record was made in."""
    if record.environment_sha256 is None:
        return None
    environment = db.session.get(Environment, record.environment_sha256)
    return None if environment is None else environment.description


def addresses_of(records: Sequence[Prediction]) -> dict[UUID, str]:
    """Return the email addresses of those who asked, by their identifiers."""
    return addresses({record.actor_id for record in records})


def leaf_hash_of(record: Prediction) -> bytes:
    """Return the leaf hash of a stored record, computed from what is stored now."""
    facts = PredictionFacts._make(getattr(record, name) for name in PredictionFacts._fields)
    commitments = {name: getattr(record, f"{name}_commitment") for name in PARTS}
    there = {name: bytes(value) for name, value in commitments.items() if value is not None}
    return leaf_hash(prediction_envelope(facts, there))


def as_documents(
    caller: Caller, records: Sequence[Prediction], session: Session | None = None
) -> Iterator[dict[str, Any]]:
    """Yield whole records as JSON values, as the API and the command line show them, with outcome and reviews."""
    ids = [record.id for record in records]
    outcomes, found = newest_outcomes(ids, session), reviews.reviews_of(caller, ids, session)
    for record in records:
        outcome = outcomes.get(record.id)
        yield _document(record) | {
            "outcome": None if outcome is None else {"value": outcome.value, "at": outcome.at},
            "reviews": [reviews.as_document(review) for review in found.get(record.id, ())],
        }


def _document(record: Prediction) -> dict[str, Any]:
    plain = {name: _plain(getattr(record, name)) for name in PredictionFacts._fields}
    parts = {name: getattr(record, name) for name in PARTS}
    commitments = {name: _plain(getattr(record, f"{name}_commitment")) for name in PARTS}
    salts = {name: _plain(getattr(record, f"{name}_salt")) for name in PARTS}
    return plain | parts | {
        "client_request_id": record.client_request_id,
        "commitments": {name: value for name, value in commitments.items() if value},
        "salts": {name: value for name, value in salts.items() if value},
        "leaf_hash": leaf_hash_of(record).hex(),
    }  # fmt: skip


def visible(caller: Caller) -> ColumnElement[bool]:
    """Return the condition that a caller may see a record: the one place that decides it."""
    own = Prediction.actor_id == caller.user_id
    if not caller.may(Scope.READ_ALL):
        return own if caller.may(Scope.READ_OWN) else false()
    if caller.sees_everything:
        return true()
    usable = select(Model.id).where(is_usable(caller))
    return or_(own, Prediction.model_id.in_(usable))


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value
