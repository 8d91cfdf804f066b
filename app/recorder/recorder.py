"""The recorder's interface and its one transaction."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg2
from psycopg2.errors import CheckViolation
from psycopg2.extensions import cursor as Cursor
from sqlalchemy.exc import SQLAlchemyError

from app import metrics
from app.database.partitions import ensure_partition
from app.identifiers import time_of
from app.ledger.canonical import CanonicalFormError
from app.models import Status
from app.recorder.records import Attempt, LoadedVersion, Record, Submitted, Target, make_record
from app.recorder.writer import insert_records
from ml.runtime import ModelFailedError, Outputs


class RecordingError(Exception):
    """The record could not be committed, so there is no answer."""


class Recorder:
    """Scores and commits.

    Args:
        begin: opens a transaction and yields a cursor; commits at its end, rolls back on an error.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[Cursor]]) -> None:
        self._begin = begin

    def record(self, attempt: Attempt, target: LoadedVersion, submitted: Submitted) -> list[Record]:
        """Score rows and commit them, all or none; return the committed records in their order.

        Raises:
            ModelFailedError: if the model does not answer; nothing is recorded.
            RecordingError: if the records cannot be committed; there is no answer then.
        """
        with metrics.SCORING.labels(model=target.model).time():
            outputs = target.runtime.score(submitted.rows)
        try:
            records = self._make_records(attempt, target, submitted, outputs)
        except CanonicalFormError as error:  # The rows were validated: it is the answer.
            raise ModelFailedError(f"The model's answer cannot be recorded: {error}.") from error
        self._commit(records)
        return records

    def _make_records(
        self, attempt: Attempt, target: LoadedVersion, submitted: Submitted, outputs: Outputs
    ) -> list[Record]:
        answered_at = attempt.now()
        return [
            make_record(
                attempt, target, row=row, status=Status.ACCEPTED, answered_at=answered_at,
                inputs=inputs, output=output, reference=reference, subject=subject,
            )
            for row, (inputs, output, reference, subject) in enumerate(
                zip(submitted.rows, outputs, submitted.references, submitted.subjects, strict=True)
            )
        ]  # fmt: skip

    def record_unanswered(
        self, attempt: Attempt, target: Target, status: Status, *, inputs: Any, problem: Any
    ) -> Record:
        """Commit a refused or failed request as one record and return it.

        Args:
            attempt: the request.
            target: as far as it got.
            status: `refused` or `failed`.
            inputs: what was sent, as the table's docstring says.
            problem: the problem document of the answer.

        Raises:
            RecordingError: if the record cannot be committed.
        """
        record = make_record(
            attempt, target, row=0, status=status, answered_at=attempt.now(),
            inputs=inputs, output=problem,
        )  # fmt: skip
        self._commit([record])
        return record

    def _commit(self, records: Sequence[Record]) -> None:
        with metrics.COMMITTING.time():
            try:
                self._insert_in_time(records)
            except (psycopg2.Error, SQLAlchemyError) as error:
                # A connection lost at COMMIT leaves open whether it was done: the book knows.
                if not self._is_in_the_book(records[0]):
                    raise RecordingError(f"{type(error).__name__}") from error
        facts = records[0].facts
        metrics.PREDICTIONS.labels(model=facts.model or "", status=facts.status).inc(len(records))

    def _insert_in_time(self, records: Sequence[Record]) -> None:
        try:
            self._insert(records)
        except CheckViolation:
            # There is no partition for this moment: the clock jumped, or nobody made it ahead.
            self._make_partitions(records)
            self._insert(records)

    def _is_in_the_book(self, record: Record) -> bool:
        """Whether a record was committed after all; with it were all of its transaction."""
        try:
            with self._begin() as cursor:
                cursor.execute("SELECT 1 FROM predictions WHERE id = %s", (str(record.facts.id),))
                return cursor.fetchone() is not None
        except (psycopg2.Error, SQLAlchemyError):
            return False

    def _insert(self, records: Sequence[Record]) -> None:
        with self._begin() as cursor:
            insert_records(cursor, records)

    def _make_partitions(self, records: Sequence[Record]) -> None:
        with self._begin() as cursor:
            for moment in {time_of(record.facts.id) for record in (records[0], records[-1])}:
                ensure_partition(cursor, moment)
