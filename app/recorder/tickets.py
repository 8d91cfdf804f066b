"""Tickets: requests on their way through the recorder, and how they may end."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.models import Status
from app.recorder.keys import Key
from app.recorder.records import Attempt, LoadedVersion, Record, Submitted, Target


class RecordingError(Exception):
    """The record could not be committed, so there is no answer."""


class OverloadedError(Exception):
    """There is more to do than can be done in time; nothing was begun for this request."""


class ModelBusyError(Exception):
    """A call of this version has lasted longer than a request may take; nothing was recorded."""


class AuthorityLostError(Exception):
    """The caller's token or account was revoked or changed before the record was committed."""


@dataclass(frozen=True, kw_only=True)
class Unanswered:
    """A refused or failed request: what was sent, and the problem document of the answer."""

    status: Status
    inputs: Any
    problem: Any


@dataclass(frozen=True)
class Kept:
    """The request was answered before, under the same key: by the records of this request."""

    request_id: UUID


Result = Sequence[Record] | Kept
#: Writes the draft of an answer, of records that are not committed yet.
WriteDraft = Callable[[Sequence[Record]], None]


@dataclass(eq=False, kw_only=True)
class Ticket:
    """One request in the recorder: what it wants, how long it may wait, and what became of it.

    `size` is in bytes, `deadline` by the monotonic clock. `records` are made once, so that a transaction
    that is run again writes the same ones.

    Attributes:
        is_to_score: whether it holds rows for a model.
        rows: how many records it makes.
        is_ended: whether it is known what became of it.
    """

    attempt: Attempt
    target: Target
    work: Submitted | Unanswered
    key: Key | None
    size: int
    deadline: float
    write_draft: WriteDraft | None = None
    queued_at: float = field(default_factory=time.perf_counter)
    records: list[Record] | None = None
    has_claimed: bool = False
    abandoned: bool = False
    writing: bool = False
    result: Result | None = None
    error: Exception | None = None
    is_ended: bool = False
    _ended: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._ended.acquire()
        self.is_to_score = isinstance(self.work, Submitted)
        self.rows = len(self.work.rows) if isinstance(self.work, Submitted) else 1

    def draft_answer(self) -> None:
        """Let the answer be drafted; what goes wrong is told by whoever writes it when it is committed."""
        if self.write_draft is not None and self.records is not None:
            with suppress(Exception):
                self.write_draft(self.records)

    @property
    def version(self) -> LoadedVersion | None:
        """The version that must score it, None if there is nothing to score."""
        return self.target if isinstance(self.target, LoadedVersion) and self.is_to_score else None

    def end(self, *, result: Result | None = None, error: Exception | None = None) -> None:
        """Say what became of it and wake who waits for it; only the first word counts."""
        if not self.is_ended:
            self.result, self.error, self.is_ended = result, error, True
            self._ended.release()

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended, at most so long; return whether it has."""
        if self.is_ended:
            return True
        return self._ended.acquire(timeout=max(0.0, seconds))
