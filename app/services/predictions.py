"""Predicting: every door meets here, so that they cannot differ."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog

from app.access import Caller
from app.extensions import db
from app.models import Channel, Scope, Status
from app.recorder import Attempt, LoadedVersion, Record, Recorder, RecordingError, Target
from app.services.errors import (
    NotAllowedError,
    PredictionFailedError,
    ServiceError,
    UnavailableError,
    UnexpectedError,
)
from app.services.runtimes import Runtimes
from app.services.submissions import Submission
from ml.runtime import ModelFailedError

log = structlog.get_logger(__name__)


_OUR_FAULT = "Something went wrong here. It has been logged."
_NOT_CONFIRMED = (
    "The record could not be confirmed, so there is no answer. Look into the history before you try"
    " again: if the database went away just then, the record may be there."
)


def begin_attempt(caller: Caller, channel: Channel, request_id: UUID) -> Attempt:
    """Note that a request has arrived; call this before anything else is done for it."""
    return Attempt(
        actor_id=caller.user_id,
        token_id=caller.token_id,
        channel=channel,
        request_id=request_id,
    )


class Predictions:
    """Answers requests: finds the version, reads the rows, has them scored and recorded."""

    def __init__(self, runtimes: Runtimes, recorder: Recorder) -> None:
        self._runtimes = runtimes
        self._recorder = recorder

    def predict(
        self,
        attempt: Attempt,
        caller: Caller,
        submission: Submission,
        *,
        model: str,
        number: int | None = None,
    ) -> tuple[LoadedVersion, list[Record]]:
        """Return the version that answered and one committed record for each row.

        A request that is refused or fails is recorded too, as one record, before the error leaves.

        Raises:
            ServiceError: why there is no answer; see `Runtimes.entry`, `Runtimes.version` and
                `Submission.rows`.
            PredictionFailedError: if the model raised, or answered something that is no answer.
            UnavailableError: if the records could not be committed.
        """
        progress = _Progress()
        with self._recording_failures(attempt, submission, progress):
            if not caller.may(Scope.PREDICT):
                raise NotAllowedError("You may not ask for predictions.")
            entry = self._runtimes.entry(caller, model)
            progress.target = Target(model_id=entry.id, model=entry.name)
            version = progress.target = self._runtimes.version(entry, number)
            submitted = submission.rows(version.runtime.validator)
            _end_reading()
            return version, self._recorder.record(attempt, version, submitted)

    def refuse(self, attempt: Attempt, submission: Submission, error: ServiceError) -> None:
        """Record a request that was refused before it reached a model, and raise the error."""
        with self._recording_failures(attempt, submission, _Progress()):
            raise error

    @contextmanager
    def _recording_failures(
        self, attempt: Attempt, submission: Submission, progress: "_Progress"
    ) -> Iterator[None]:
        try:
            yield
        except RecordingError as error:
            log.error("record not committed", why=str(error))
            raise UnavailableError(_NOT_CONFIRMED) from error
        except ModelFailedError as error:
            log.error("model failed", model=progress.target.model, why=str(error))
            failure = PredictionFailedError(str(error))
            self._record(attempt, progress, Status.FAILED, submission, failure)
            raise failure from error
        except UnavailableError as error:
            self._record(attempt, progress, Status.FAILED, submission, error)
            raise
        except ServiceError as error:
            self._record(attempt, progress, Status.REFUSED, submission, error)
            raise
        except Exception:  # Our own fault; the request is in the book all the same.
            db.session.rollback()
            self._record(attempt, progress, Status.FAILED, submission, UnexpectedError(_OUR_FAULT))
            raise

    def _record(
        self,
        attempt: Attempt,
        progress: "_Progress",
        status: Status,
        submission: Submission,
        error: ServiceError,
    ) -> None:
        _end_reading()
        try:
            record = self._recorder.record_unanswered(
                attempt,
                progress.target,
                status,
                inputs=submission.evidence(),
                problem=error.problem(),
            )
        except RecordingError as failure:
            log.error("refusal not committed", why=str(failure))
            raise UnavailableError(_NOT_CONFIRMED) from failure
        error.record_id = record.facts.id


def _end_reading() -> None:
    """Give the session's connection back: a request holds one connection at a time."""
    db.session.commit()


class _Progress:
    """How far a request got: what its record can tell if it goes no further."""

    target: Target = Target()
