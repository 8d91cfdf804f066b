"""The recorder's interface, and what it does with a batch: claim, score, write, commit, wake."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import psycopg2
import structlog
from psycopg2 import errors as sql
from sqlalchemy.exc import SQLAlchemyError

from app import metrics
from app.database.binaries import EmbeddedPostgresError
from app.database.book import Book, Row, Transaction
from app.database.errors import is_database_away
from app.identifiers import new_id, time_of
from app.recorder.keys import Key, KeyInFlightError, KeyReusedError
from app.recorder.lanes import Lanes
from app.recorder.queue import LARGE, Queue
from app.recorder.records import Attempt, LoadedVersion, Submitted, Target
from app.recorder.scoring import make_all_records, make_in_parts
from app.recorder.statements import CLAIM, RECORD, Batch, Recording
from app.recorder.tickets import (
    AuthorityLostError,
    Kept,
    RecordingError,
    Result,
    Ticket,
    Unanswered,
    WriteDraft,
)

log = structlog.get_logger(__name__)

_FIND = "SELECT id::text FROM predictions WHERE id = ANY (%s::uuid[])"
_ENSURE_PARTITION = "SELECT ensure_predictions_partition(%s)"
#: Seconds before each further try of a transaction that failed in a way that may pass.
_PAUSES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0)
_MOST_SECONDS = 10.0
_KEY_OF, _ROWS_OF, _QUEUED_AT = map(attrgetter, ("key", "rows", "queued_at"))
_MOST_PARTITIONS = 2
#: Those that will not pass soon enough to wait for it.
_WILL_NOT_PASS = (sql.DiskFull, sql.OutOfMemory, sql.QueryCanceled)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much may wait: rows, bytes of request bodies, seconds."""

    rows: int
    bytes: int
    seconds: float


class _Written(NamedTuple):
    """A batch, what the database told of it, and when its writing began (by the clock that measures)."""

    batch: Batch
    told: list[Row]
    began: float


_Call = Callable[[str, Sequence[Any], Callable[[], None]], list[Row]]


class Recorder:
    """Scores and commits: requests that wait at the same time share model calls and a commit.

    Args:
        book: where records are written.
        limits: how much may wait.
    """

    def __init__(self, book: Book, limits: Limits) -> None:
        self._book = book
        self._limits = limits
        self._lanes = Lanes(self._process, Queue(limits.rows, limits.bytes))

    def record(
        self,
        attempt: Attempt,
        target: LoadedVersion,
        submitted: Submitted,
        *,
        key: Key | None = None,
        size: int = 0,
        write_draft: WriteDraft | None = None,
    ) -> Result:
        """Score rows and commit them, all or none; return the committed records in their order.

        Args:
            attempt: the request.
            target: which version answers.
            submitted: its rows.
            key: the idempotency key, if it has one; then the answer may be that of an earlier request.
            size: the bytes of its body.
            write_draft: drafts the answer while its records are written; not always called, and what it raises is ignored.

        Raises:
            ModelFailedError: if the model does not answer; nothing is recorded.
            ModelBusyError: if it does not answer in time; nothing is recorded.
            OverloadedError: if there is too much to do; nothing was begun.
            AuthorityLostError: if the caller may not ask any more; nothing is recorded.
            KeyInFlightError, KeyReusedError: if the key is another request's.
            RecordingError: if the records cannot be committed, or it cannot be known.
        """
        return self._answer(attempt, target, submitted, key, size, write_draft)

    def record_unanswered(
        self,
        attempt: Attempt,
        target: Target,
        unanswered: Unanswered,
        *,
        key: Key | None = None,
        size: int = 0,
    ) -> Result:
        """Commit a refused or failed request as one record and return it; see `record`."""
        return self._answer(attempt, target, unanswered, key, size, None)

    def _answer(
        self,
        attempt: Attempt,
        target: Target,
        work: Submitted | Unanswered,
        key: Key | None,
        size: int,
        write_draft: WriteDraft | None,
    ) -> Result:
        ticket = Ticket(
            attempt=attempt, target=target, work=work, key=key, size=size, write_draft=write_draft,
            deadline=time.monotonic() + self._limits.seconds,
        )  # fmt: skip
        self._lanes.answer(ticket)
        if ticket.error is not None:
            raise ticket.error
        if ticket.result is None:
            raise RecordingError("no word of it")
        return ticket.result

    def _process(self, tickets: Sequence[Ticket]) -> None:
        """Answer a batch: try again what may pass, and split what may be the fault of one."""
        tries = _Tries()
        while waiting := [ticket for ticket in tickets if not ticket.is_ended]:
            try:
                if not tries.count or not self._find_committed(waiting):
                    self._answer_together(waiting)
            except (psycopg2.Error, SQLAlchemyError, EmbeddedPostgresError) as error:
                if isinstance(error, sql.CheckViolation) and tries.count < _MOST_PARTITIONS:
                    self._make_partitions(waiting)
                if not tries.may_try_again(error):
                    self._fail(waiting, error)

    def _answer_together(self, tickets: Sequence[Ticket]) -> None:
        """Claim keys, score, write and commit: all of it in one transaction."""
        if len(tickets) == 1 and tickets[0].is_to_score and tickets[0].rows > LARGE:
            self._answer_large(tickets[0])
            return
        waited = _longest_wait(tickets)
        if any(map(_KEY_OF, tickets)):
            with self._book.transaction() as transaction:
                written = self._write(transaction.call, _claim(transaction, tickets), waited)
        else:
            written = self._write(self._book.call, tickets, waited)
        if written.batch.tickets:
            metrics.COMMITTING.observe(time.perf_counter() - written.began)
        self._confirm(written.batch, written.told)

    def _write(self, call: _Call, tickets: Sequence[Ticket], waited: float) -> _Written:
        """Score tickets and write their records; they are committed when `call` or its transaction ends."""
        batch = self._score(tickets)
        if not batch.tickets:
            metrics.QUEUE_WAIT.observe(waited)
            return _Written(batch, [([],)], 0.0)
        parameters, began = batch.to_record(), time.perf_counter()
        told = call(RECORD, parameters, partial(_while_written, batch, waited))
        return _Written(batch, told, began)

    def _answer_large(self, ticket: Ticket) -> None:
        """Write a large request in parts, each while the next one is made; see `_answer_together`."""
        batch = Batch([ticket])
        metrics.QUEUE_WAIT.observe(_longest_wait([ticket]))
        try:
            with self._book.transaction() as transaction:
                if ticket.key and not _claim(transaction, [ticket]):
                    return
                parts = batch.to_record_in_parts(make_in_parts(ticket, LARGE))
                told = _call_behind(transaction, parts)
                if not self._lanes.begin_writing([ticket]):
                    raise _AbandonedError
        except (psycopg2.Error, SQLAlchemyError, EmbeddedPostgresError):
            raise
        except Exception as error:  # noqa: BLE001 (whatever it is, it must reach who waits)
            ticket.end(error=error)
        else:
            metrics.BATCH_ROWS.observe(ticket.rows)
            self._confirm(batch, told)

    def _score(self, tickets: Sequence[Ticket]) -> Batch:
        """Make the records of each ticket, unless it has them; return those that are to be written."""
        make_all_records([ticket for ticket in tickets if ticket.records is None])
        return Batch(self._lanes.begin_writing([t for t in tickets if t.records is not None]))

    def _confirm(self, batch: Batch, told: Sequence[tuple[Sequence[int]]]) -> None:
        """End the tickets of a batch that is committed; some callers may have lost their authority."""
        ((refused,),) = told
        for ticket, place in zip(batch.tickets, batch.places, strict=True):
            if place in refused:
                ticket.end(error=AuthorityLostError())
            else:
                _end_recorded(ticket)

    def _find_committed(self, tickets: Sequence[Ticket]) -> bool:
        """End the tickets whose records are in the book, after a try whose end was not heard.

        That they are not there yet says nothing, for the lost transaction may still be running. It is run
        again with the same records then: the primary key decides.
        """
        ids = [ticket.records[0].facts.id for ticket in tickets if ticket.records]
        found = {row[0] for row in self._book.call(_FIND, (ids,))} if ids else set()
        for ticket in tickets:
            if ticket.records and ticket.records[0].facts.id in found:
                _end_recorded(ticket)
        return bool(found)

    def _fail(self, tickets: Sequence[Ticket], error: Exception) -> None:
        if len(tickets) > 1 and not is_database_away(error):
            for ticket in tickets:  # It may be the fault of one of them.
                self._process([ticket])
            return
        log.error("records not committed", why=type(error).__name__, requests=len(tickets))
        for ticket in tickets:
            failure = RecordingError(type(error).__name__)
            failure.__cause__ = error
            ticket.end(error=failure)

    def _make_partitions(self, tickets: Sequence[Ticket]) -> None:
        """Make the months that records fall into: the clock jumped, or nobody made them ahead.

        Of a large request that was not made to its end none are known; what is made next is of this moment.
        """
        records = [record for ticket in tickets for record in ticket.records or ()]
        moments = [time_of(UUID(str(record.facts.id))) for record in records] or [time_of(new_id())]
        for moment in {moment.strftime("%Y-%m"): moment for moment in moments}.values():
            self._book.call(_ENSURE_PARTITION, (moment,))


class _AbandonedError(Exception):
    """Nobody waits for it any more."""


class _Tries:
    """How often a transaction was tried, and whether it may be tried again."""

    def __init__(self) -> None:
        self.count = 0
        self._end = time.monotonic() + _MOST_SECONDS

    def may_try_again(self, error: Exception) -> bool:
        """Wait a little if another try may help; return whether it may."""
        if self.count == len(_PAUSES) or time.monotonic() > self._end:
            return False
        if isinstance(error, _WILL_NOT_PASS):
            return False
        if not (
            is_database_away(error) or isinstance(error, sql.UniqueViolation | sql.CheckViolation)
        ):
            return False
        time.sleep(_PAUSES[self.count])
        self.count += 1
        return True


def _longest_wait(tickets: Sequence[Ticket]) -> float:
    first: float = min(map(_QUEUED_AT, tickets))
    return time.perf_counter() - first


def _while_written(batch: Batch, waited: float) -> None:
    """Do what need not wait until a batch is committed, while the database works on it; nothing of it may raise.

    An answer is drafted if it is the only one. The threads of several write theirs when they are woken.
    """
    if len(batch.tickets) == 1:
        batch.tickets[0].draft_answer()
    metrics.QUEUE_WAIT.observe(waited)
    metrics.BATCH_ROWS.observe(sum(map(_ROWS_OF, batch.tickets)))


def _call_behind(transaction: Transaction, parts: Iterator[Recording]) -> list[Row]:
    """Record parts in their order, each while the next one is made; return what the last one was told.

    Raises:
        AuthorityLostError: if the caller had no authority any more when one of them was recorded.
    """
    made = list(islice(parts, 1))
    told: list[Row] = []
    while made:
        told = transaction.call(RECORD, made.pop(), lambda: made.extend(islice(parts, 1)))
        ((refused,),) = told
        if refused:
            raise AuthorityLostError
    return told


def _claim(transaction: Transaction, tickets: Sequence[Ticket]) -> list[Ticket]:
    """Claim the keys of a batch; end the tickets that are not to be scored, and return the others."""
    rows = transaction.call(CLAIM, Batch(tickets).to_claim())
    for number, state, fingerprint, request_id in rows:
        ticket = tickets[number]
        if state == "refused":
            ticket.end(error=AuthorityLostError())
        elif state == "kept":
            _end_kept(ticket, bytes(fingerprint), UUID(str(request_id)))
        elif state == "taken" and ticket.has_claimed:
            raise sql.LockNotAvailable  # By its own lost transaction, whose end is near.
        elif state == "taken":
            ticket.end(error=KeyInFlightError())
        else:
            ticket.has_claimed = True
    return [ticket for ticket in tickets if not ticket.is_ended]


def _end_kept(ticket: Ticket, fingerprint: bytes, request_id: UUID) -> None:
    if str(request_id) == ticket.attempt.request_id:
        _end_recorded(ticket)
    elif ticket.key is not None and fingerprint == ticket.key.fingerprint:
        ticket.end(result=Kept(request_id))
    else:
        ticket.end(error=KeyReusedError())


def _end_recorded(ticket: Ticket) -> None:
    records = ticket.records or []
    facts = records[0].facts
    metrics.predictions(facts.model or "", facts.status).add(len(records))
    ticket.end(result=records)
