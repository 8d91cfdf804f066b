"""From tickets to records: one model call for all rows of a version, and each row's record."""

import time
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from app import metrics
from app.ledger.canonical import CanonicalFormError
from app.models import Status
from app.recorder.records import LoadedVersion, Record, Submitted, make_record
from app.recorder.tickets import Ticket, Unanswered
from ml.runtime import ModelFailedError, Outputs
from ml.validation import Row

_ROWS_OF = attrgetter("work.rows")


def make_all_records(tickets: Sequence[Ticket]) -> None:
    """Give each ticket its records, or end it with the reason why it has none.

    Tickets of one version are scored together, as its plan allows; if that fails, each alone, so that
    nobody fails for another's row.
    """
    groups: dict[LoadedVersion, list[Ticket]] = {}
    for ticket in tickets:
        if isinstance(ticket.work, Unanswered):
            ticket.records = [_record_unanswered(ticket, ticket.work)]
        elif isinstance(ticket.target, LoadedVersion):
            groups.setdefault(ticket.target, []).append(ticket)
    for version, group in groups.items():
        _score_group(version, group)


def make_in_parts(ticket: Ticket, size: int) -> Iterator[list[Record]]:
    """Score a large request, and yield its records some at a time; then it has them all.

    If it has them already, from a try before, those are yielded.

    Raises:
        ModelFailedError: if the model does not answer, or answers something that cannot be recorded.
    """
    if ticket.records is not None:
        yield from (ticket.records[at : at + size] for at in range(0, ticket.rows, size))
        return
    version, made = ticket.version, []
    if version is None:
        raise TypeError("there is nothing to score")
    outputs = _score(version, _submitted(ticket).rows)
    answered_at = ticket.attempt.now()
    for at in range(0, ticket.rows, size):
        part = _records(ticket, version, outputs[at : at + size], answered_at, first=at)
        made += part
        yield part
    ticket.records = made


def _score_group(version: LoadedVersion, group: Sequence[Ticket]) -> None:
    rows = list(chain.from_iterable(map(_ROWS_OF, group)))
    try:
        outputs = _score(version, rows)
    except Exception as error:  # noqa: BLE001 (whatever it is, it must reach who waits)
        if len(group) == 1:
            group[0].end(error=error)
            return
        for ticket in group:
            _score_group(version, [ticket])
        return
    start = 0
    for ticket in group:
        _give_records(ticket, version, outputs[start : start + ticket.rows])
        start += ticket.rows


def _score(version: LoadedVersion, rows: Sequence[Row]) -> Outputs:
    began = time.perf_counter()
    try:
        return version.runtime.score(rows)
    finally:
        metrics.scoring(version.model or "").observe(time.perf_counter() - began)


def _give_records(ticket: Ticket, version: LoadedVersion, outputs: Outputs) -> None:
    try:
        ticket.records = _records(ticket, version, outputs, ticket.attempt.now())
    except ModelFailedError as error:
        ticket.end(error=error)


def _records(
    ticket: Ticket, version: LoadedVersion, outputs: Outputs, answered_at: str, first: int = 0
) -> list[Record]:
    """Return the records of the rows from `first` on that have these outputs."""
    work = _submitted(ticket)
    try:
        return [
            make_record(
                ticket.attempt, version, row=row, status=Status.ACCEPTED, answered_at=answered_at,
                inputs=work.rows[row], output=output, reference=work.references[row], subject=work.subjects[row],
            )
            for row, output in enumerate(outputs, first)
        ]  # fmt: skip
    except CanonicalFormError as error:  # The rows were validated: it is the answer.
        raise ModelFailedError(f"The model's answer cannot be recorded: {error}.") from None


def _record_unanswered(ticket: Ticket, work: Unanswered) -> Record:
    """Return the record of a request without an answer; without what was sent, if that has no canonical form."""
    attempt = ticket.attempt
    facts: dict[str, Any] = {"row": 0, "status": work.status, "answered_at": attempt.now()}
    try:
        return make_record(attempt, ticket.target, **facts, inputs=work.inputs, output=work.problem)
    except CanonicalFormError:  # It must not keep others' records from being made.
        return make_record(attempt, ticket.target, **facts, inputs=None, output=work.problem)


def _submitted(ticket: Ticket) -> Submitted:
    if not isinstance(ticket.work, Submitted):
        raise TypeError("there is nothing to score")
    return ticket.work
