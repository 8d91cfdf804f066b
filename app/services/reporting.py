"""Reporting what turned out to be true of predictions: a later outcome corrects an earlier one, and both stay."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, cast, func, select, true
from sqlalchemy.orm import defer

from app.access import Caller
from app.extensions import db
from app.identifiers import new_id
from app.ledger import canonical
from app.ledger.commitment import SALT_BYTES, commit
from app.models import Outcome, Prediction, Scope, Status
from app.services.erasure import NOTHING_IS_ERASED
from app.services.errors import ConflictError, ServiceError, UnknownThingError, invalid_input
from app.services.history import PATIENCE_MS, bounded, get_prediction, signature_of, visible
from app.services.outcomes import newest_outcomes
from ml.signature import Output, Scalar, Signature
from ml.truth import TruthError, read_truth

MOST_AT_ONCE = 10_000
_AT_ONCE = 1_000
_FIRST_LOCK, _LOCKS = 7233173838382855000, 64
#: Reads a given value as one that a model could have answered.
Reader = Callable[[Output, Any], Scalar]


class Fate(StrEnum):
    """What became of a report: recorded; known already; or refused."""

    RECORDED = "recorded"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Report:
    """An outcome that somebody reports, of a prediction by its identifier, or else by the caller's reference."""

    value: Any
    id: str | None = None
    reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a report, and why it was refused."""

    fate: Fate
    prediction_id: UUID | None = None
    outcome: Outcome | None = None
    why: str | None = None


def report_outcome(
    caller: Caller, prediction_id: UUID, value: Any, *, read: Reader = read_truth
) -> Result:
    """Record what turned out to be true of a prediction; nothing, if that is known already.

    Args:
        caller: who reports it.
        prediction_id: the prediction.
        value: of the kind that its model answers.
        read: reads the value.

    Raises:
        UnknownThingError: if there is no such prediction, or it is not theirs to see.
        InvalidInputsError: if the model could not have answered this.
        ConflictError: if the prediction has no answer, or it is erased.
    """
    db.session.execute(NOTHING_IS_ERASED)
    reporting = _Reporting(caller, read)
    record = get_prediction(reporting.caller, prediction_id)
    _one_at_a_time([record.id])
    newest = newest_outcomes([record.id]).get(record.id)
    result = reporting.record(record, value, newest)
    db.session.commit()
    return result


def report_outcomes(
    caller: Caller, reports: Sequence[Report], *, read: Reader = read_truth
) -> list[Result]:
    """Record many outcomes; return what became of each, in their order. One that is refused stops no other."""
    db.session.execute(NOTHING_IS_ERASED)
    if len(reports) > _AT_ONCE:  # Part by part, two long lists could wait for each other.
        _lock(range(_LOCKS))
    reporting = _Reporting(caller, read)
    parts = (reports[at : at + _AT_ONCE] for at in range(0, len(reports), _AT_ONCE))
    results = [result for part in parts for result in reporting.all_of(part)]
    db.session.commit()
    return results


class _Reporting:
    """Records outcomes, with what has to be known for some."""

    def __init__(self, caller: Caller, read: Reader) -> None:
        # Who may report needs no right to read: of what is found nothing is shown.
        self.caller, self._read = replace(caller, scopes=caller.scopes | {Scope.READ_ALL}), read
        self._outputs: dict[tuple[UUID | None, int | None], Output | None] = {}

    def all_of(self, reports: Sequence[Report]) -> Iterator[Result]:
        records = self._records(reports)
        ids = [record.id for found in records.values() for record in found]
        _one_at_a_time(ids)
        newest = newest_outcomes(ids)
        for report in reports:
            try:
                record = _only(report, records)
                result = self.record(record, report.value, newest.get(record.id))
            except ServiceError as error:
                yield Result(fate=Fate.REFUSED, why=error.detail)
            else:
                if result.outcome is not None:
                    newest[record.id] = result.outcome
                yield result
        db.session.flush()

    def record(self, record: Prediction, value: Any, newest: Outcome | None) -> Result:
        if record.status != Status.ACCEPTED:
            raise ConflictError(
                "It was not answered, so there is nothing that could turn out true."
            )
        if record.output_salt is None:
            raise ConflictError("It is erased.")
        try:
            found = self._read(self._output_of(record), value)
        except TruthError as error:
            raise invalid_input("outcome", str(error)) from None
        if newest is not None and _is_same(newest.value, found):
            return Result(fate=Fate.UNCHANGED, prediction_id=record.id, outcome=newest)
        outcome = _make(self.caller, record, found, newest)
        return Result(fate=Fate.RECORDED, prediction_id=record.id, outcome=outcome)

    def _records(self, reports: Sequence[Report]) -> dict[str, list[Prediction]]:
        """Return the records that reports may mean, by what the reports call them."""
        names = {
            report.id: [UUID(report.id)] for report in reports if report.id and _is_uuid(report.id)
        }
        references = {
            r.reference for r in reports if not r.id and r.reference and "\x00" not in r.reference
        }
        by_name = {str(ids[0]): ids for ids in names.values()} | self._ids_of(list(references))
        wanted = [identifier for ids in by_name.values() for identifier in ids]
        query = select(Prediction).where(Prediction.id.in_(wanted), visible(self.caller))
        records = {
            one.id: one for one in db.session.scalars(query.options(defer(Prediction.inputs)))
        }
        return {
            name: [records[one] for one in ids if one in records] for name, ids in by_name.items()
        }

    def _ids_of(self, references: Sequence[str]) -> dict[str, list[UUID]]:
        """Return the answered records that have a reference: two of them, if there are more."""
        given = (
            func.unnest(cast(references, ARRAY(Text))).table_valued("reference").render_derived()
        )
        answered = (Prediction.status == Status.ACCEPTED) & visible(self.caller)
        some = select(Prediction.id).where(Prediction.reference == given.c.reference, answered)
        two = some.limit(2).lateral()
        found: dict[str, list[UUID]] = {}
        rows = bounded(select(given.c.reference, two.c.id).join(two, true()), PATIENCE_MS)
        for reference, identifier in rows:
            found.setdefault(f"reference {reference}", []).append(identifier)
        return found

    def _output_of(self, record: Prediction) -> Output:
        key = (record.model_id, record.model_version)
        if key not in self._outputs:
            description = signature_of(record)
            signature = Signature.from_json(description) if description else None
            self._outputs[key] = None if signature is None else signature.output
        if (output := self._outputs[key]) is None:
            raise ConflictError("Its model's version is not known any more.")
        return output


def _only(report: Report, records: Mapping[str, Sequence[Prediction]]) -> Prediction:
    """Return the one record that a report means."""
    if not report.id and not report.reference:
        raise invalid_input("id", "Name the record, by its id or its reference.")
    if report.id and not _is_uuid(report.id):
        raise invalid_input("id", "This is no identifier of a record.")
    name = str(UUID(report.id)) if report.id else f"reference {report.reference}"
    found = records.get(name, ())
    if not found:
        raise UnknownThingError("There is no such prediction that you may see.")
    if len(found) > 1:
        raise ConflictError("Several records have this reference: name one by its id.")
    return found[0]


def _one_at_a_time(ids: Iterable[UUID]) -> None:
    """Wait for who reports on the same predictions: the same outcome twice at once is one.

    There are a few locks for all predictions, taken in their order: so nobody waits in a circle.
    """
    _lock(sorted({identifier.int % _LOCKS for identifier in ids}))


def _lock(places: Iterable[int]) -> None:
    for place in places:
        db.session.execute(select(func.pg_advisory_xact_lock(_FIRST_LOCK + place)))


def _make(caller: Caller, record: Prediction, value: Scalar, newest: Outcome | None) -> Outcome:
    identifier, salt = new_id(), secrets.token_bytes(SALT_BYTES)
    if newest is not None and identifier <= newest.id:
        raise ConflictError(
            "The clock of this machine is behind the newest outcome; set it, and try again."
        )
    outcome = Outcome(
        id=identifier, at=datetime.now(UTC), prediction_id=record.id, actor_id=caller.user_id if caller.email else None,
        token_id=caller.token_id, value=value, value_salt=salt,
        value_commitment=commit("value", canonical.encode(value), salt),
    )  # fmt: skip
    db.session.add(outcome)
    return outcome


def _is_same(one: object, other: object) -> bool:
    return canonical.encode(one) == canonical.encode(other)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
