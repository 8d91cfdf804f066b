"""Predicting: every door meets here, so that they cannot differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import structlog

from app import metrics, recorder
from app.access import Caller
from app.database.errors import is_database_away
from app.extensions import db
from app.models import Channel, Scope, Status
from app.recorder import (
    Attempt,
    Kept,
    Key,
    KeysInFlight,
    Record,
    Recorder,
    Target,
    Unanswered,
)
from app.services.answers import Answer, answer_of, stored_answer
from app.services.errors import (
    DatabaseAwayError,
    KeyInFlightError,
    KeyReusedError,
    NotAllowedError,
    NotSignedInError,
    OverloadedError,
    PredictionFailedError,
    ServiceError,
    StoredError,
    UnavailableError,
    UnconfirmedError,
    UnexpectedError,
)
from app.services.runtimes import Runtimes
from app.services.submissions import Submission
from ml.runtime import ModelFailedError

log = structlog.get_logger(__name__)
T = TypeVar("T")

_OUR_FAULT = "Something went wrong here. It has been logged."
_NOT_CONFIRMED = (
    "The record could not be confirmed, so there is no answer. Look into the history before you try"
    " again, or use an Idempotency-Key: if the database went away just then, the record may be there."
)
#: What may succeed when it is sent again: not kept under an idempotency key.
_RETRIABLE = (UnavailableError, UnexpectedError, KeyReusedError)


def begin_attempt(
    caller: Caller, channel: Channel, request_id: UUID | str, client_request_id: str | None = None
) -> Attempt:
    """Note that a request has arrived, and what its client calls it; call this before anything else is done for it."""
    actor_id, token_id = caller.written
    return Attempt(
        actor_id=actor_id,
        token_id=token_id,
        role=caller.role,
        channel=channel,
        request_id=str(request_id),
        client_request_id=client_request_id,
    )


class DraftAnswer(NamedTuple):
    """An answer and the door's response, made before it is known whether they may leave."""

    answer: Answer
    response: Any


@dataclass(kw_only=True)
class Ask:
    """A request for predictions as it comes from a door: what was sent, for which model, with which key.

    `variant` is what the meaning of the body depends on, beside itself: under one key it is part of the request.
    `reached` is how far it got: what its record can tell if it goes no further.
    `respond` makes the door's response of an answer. `draft` is both, if there was time for them while the record was
    written: they may leave when it is committed.
    """

    attempt: Attempt
    caller: Caller
    submission: Submission
    model: str
    number: int | None = None
    key: str | None = None
    variant: str = ""
    reached: Target = field(default_factory=Target)
    respond: Callable[[Answer], Any] = lambda answer: answer
    draft: DraftAnswer | None = None

    def write_draft(self, records: Sequence[Record]) -> None:
        """Draft the answer that records are, and the response."""
        answer = answer_of(records)
        self.draft = DraftAnswer(answer, self.respond(answer))

    def claim(self) -> Key | None:
        """Return the idempotency key of this very request, None if it has none."""
        if self.key is None or (body := self.submission.body()) is None:
            return None
        address = (
            f"{self.model}/{self.number or 'active'}{self.variant and '/'}{self.variant}".encode()
        )
        return Key.of(self.caller.user_id, self.key, address, body)


class Predictions:
    """Answers requests: finds the version, reads the rows, has them scored and recorded."""

    def __init__(self, runtimes: Runtimes, book: Recorder) -> None:
        self._runtimes = runtimes
        self._recorder = book
        self._in_flight = KeysInFlight()

    def predict(self, ask: Ask) -> Answer:
        """Return the answer: one committed record for each row.

        A request that is refused or fails is recorded too, as one record, before the error leaves.

        Raises:
            ServiceError: why there is no answer; see `Runtimes.entry`, `Runtimes.version` and
                `Submission.rows`.
            PredictionFailedError: if the model raised, or answered something that is no answer.
            KeyInFlightError, KeyReusedError: if its idempotency key is another request's.
            UnavailableError: if the records could not be committed, or there is too much to do.
        """
        return _counted(self._under_key, ask, self._predict)

    def refuse(self, ask: Ask, error: ServiceError) -> Answer:
        """Record a request that was refused before it reached a model, and raise the error.

        If its idempotency key was used before, the answer of then is returned or raised.
        """
        refuse = partial(self._answer_failure, error=error)
        return _counted(self._under_key, ask, refuse)

    def _under_key(self, ask: Ask, answer: Callable[[Ask, Key | None], Answer]) -> Answer:
        """Hold the request's key while it is answered, if it has one."""
        key = ask.claim()
        if key is None:
            return answer(ask, None)
        try:
            with self._in_flight.hold(key):
                return answer(ask, key)
        except recorder.KeyInFlightError as error:
            raise _told(error, ask) from None

    def _predict(self, ask: Ask, key: Key | None) -> Answer:
        try:
            return self._answer(ask, key)
        except Exception as error:  # noqa: BLE001 (every failure is recorded)
            return self._answer_failure(ask, key, error)

    def _answer(self, ask: Ask, key: Key | None) -> Answer:
        if not ask.caller.may(Scope.PREDICT):
            raise NotAllowedError("You may not ask for predictions.")
        entry = self._runtimes.entry(ask.caller, ask.model)
        ask.reached = Target(model_id=entry.id, model=entry.name)
        version = ask.reached = self._runtimes.version(entry, ask.number)
        submitted = ask.submission.rows(version.runtime.validator)
        _end_reading()
        result = self._recorder.record(
            ask.attempt, version, submitted,
            key=key, size=ask.submission.size, write_draft=ask.write_draft,
        )  # fmt: skip
        if isinstance(result, Kept):
            return stored_answer(result.request_id)
        return ask.draft.answer if ask.draft is not None else answer_of(result)

    def _answer_failure(self, ask: Ask, key: Key | None, error: Exception) -> Answer:
        """Record a failure and raise it as the caller is to be told."""
        failure = _told(error, ask)
        if isinstance(failure, _UNRECORDED):
            raise failure from error
        _end_reading()
        status = Status.FAILED if isinstance(failure, _OURS) else Status.REFUSED
        work = Unanswered(
            status=status, inputs=ask.submission.evidence(), problem=failure.problem()
        )
        try:
            result = self._recorder.record_unanswered(
                ask.attempt,
                ask.reached,
                work,
                key=None if isinstance(failure, _RETRIABLE) else key,
                size=ask.submission.size,
            )
        except Exception as trouble:
            raise _told(trouble, ask) from trouble
        if isinstance(result, Kept):
            return stored_answer(result.request_id)
        failure.record_id = UUID(str(result[0].facts.id))
        if isinstance(failure, UnexpectedError):
            raise error
        raise failure from error


#: Not recorded: the request's record is another, there is no caller, or no record can be made.
_UNRECORDED = (
    StoredError, KeyInFlightError, NotSignedInError, OverloadedError, DatabaseAwayError, UnconfirmedError,
)  # fmt: skip
_OURS = (PredictionFailedError, UnavailableError, UnexpectedError)


_TOLD: dict[type[Exception], Callable[[], ServiceError]] = {
    recorder.ModelBusyError: lambda: UnavailableError("The model does not answer in time."),
    recorder.OverloadedError: lambda: OverloadedError("Send it again a little later."),
    recorder.AuthorityLostError: lambda: NotSignedInError(
        "The token or account was revoked or changed just now."
    ),
    recorder.KeyInFlightError: lambda: KeyInFlightError("Wait for its answer, then send it again."),
    recorder.KeyReusedError: lambda: KeyReusedError("Use a new key for each new request."),
    recorder.RecordingError: lambda: UnconfirmedError(_NOT_CONFIRMED),
}


def _told(error: Exception, ask: Ask) -> ServiceError:
    """Return an error as the caller is to be told."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, ModelFailedError | recorder.ModelBusyError):
        log.error("model failed", model=ask.reached.model, why=str(error) or type(error).__name__)
    if isinstance(error, ModelFailedError):
        return PredictionFailedError(str(error))
    if (told := _TOLD.get(type(error))) is not None:
        return told()
    db.session.rollback()
    if is_database_away(error):
        return DatabaseAwayError()
    return UnexpectedError(_OUR_FAULT)


def _end_reading() -> None:
    """Give the session's connection back: a request holds one connection at a time."""
    if db.session.registry.has():
        db.session.commit()


def _counted(work: Callable[[Ask, T], Answer], ask: Ask, how: T) -> Answer:
    """Count a request and its fate: as many are asked as are answered, plus those in flight."""
    metrics.ASKED.add(1)
    metrics.BEING_ANSWERED.add(1)
    try:
        answer = work(ask, how)
        metrics.answered("replayed" if answer.replayed else "recorded").add(1)
        return answer
    except Exception as error:
        metrics.answered(_fate_of(error)).add(1)
        raise
    finally:
        metrics.BEING_ANSWERED.add(-1)


def _fate_of(error: Exception) -> str:
    if isinstance(error, StoredError):
        return "replayed"
    if not isinstance(error, ServiceError):
        return "failed"
    if error.record_id is None:
        return "unrecorded"
    return "failed" if isinstance(error, _OURS) else "refused"
