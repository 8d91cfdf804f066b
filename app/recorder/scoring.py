"""From tickets to records: one model call for all rows of a version, and each row's record."""

from collections.abc import Sequence

from app import metrics
from app.ledger.canonical import CanonicalFormError
from app.models import Status
from app.recorder.records import LoadedVersion, Record, Submitted, make_record
from app.recorder.tickets import Ticket, Unanswered
from ml.runtime import ModelFailedError, Outputs


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


def _score_group(version: LoadedVersion, group: Sequence[Ticket]) -> None:
    rows = [row for ticket in group for row in _submitted(ticket).rows]
    try:
        with metrics.scoring(version.model or "").time():
            outputs = version.runtime.score(rows)
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


def _give_records(ticket: Ticket, version: LoadedVersion, outputs: Outputs) -> None:
    try:
        ticket.records = _records(ticket, version, outputs)
    except CanonicalFormError as error:  # The rows were validated: it is the answer.
        ticket.end(error=ModelFailedError(f"The model's answer cannot be recorded: {error}."))


def _records(ticket: Ticket, version: LoadedVersion, outputs: Outputs) -> list[Record]:
    work, answered_at = _submitted(ticket), ticket.attempt.now()
    return [
        make_record(
            ticket.attempt, version, row=row, status=Status.ACCEPTED, answered_at=answered_at,
            inputs=inputs, output=output, reference=reference, subject=subject,
        )
        for row, (inputs, output, reference, subject) in enumerate(
            zip(work.rows, outputs, work.references, work.subjects, strict=True)
        )
    ]  # fmt: skip


def _record_unanswered(ticket: Ticket, work: Unanswered) -> Record:
    attempt = ticket.attempt
    return make_record(
        attempt, ticket.target, row=0, status=work.status, answered_at=attempt.now(),
        inputs=work.inputs, output=work.problem,
    )  # fmt: skip


def _submitted(ticket: Ticket) -> Submitted:
    if not isinstance(ticket.work, Submitted):
        raise TypeError("there is nothing to score")
    return ticket.work
