"""Lanes: threads that take whatever waits, never waiting for more, and answer it together.

One lane is enough as long as it is quick: whoever comes while it works waits, and goes with the next
batch. So an idle service answers at once and a busy one shares its model calls and commits among more
(natural batching, or group commit: DeWitt et al., Implementation Techniques for Main Memory Database
Systems, SIGMOD 1984). When every lane has been at one batch for longer than `PATIENCE_SECONDS` (a slow
disk, a slow model, a large request) a further one opens.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.recorder.queue import LARGE, Queue
from app.recorder.tickets import ModelBusyError, OverloadedError, Ticket

PATIENCE_SECONDS = 0.02
MOST_LANES = 4
Version = tuple[UUID | None, int | None]


@dataclass(eq=False)
class _Lane:
    """What one thread is at, and since when (by the monotonic clock); nothing while it waits."""

    batch: list[Ticket] = field(default_factory=list)
    since: float = 0.0

    def is_stuck(self, now: float, seconds: float = PATIENCE_SECONDS) -> bool:
        return bool(self.batch) and now - self.since > seconds


class Lanes:
    """Runs `process` on batches of tickets.

    Args:
        process: answers a batch: ends every ticket in it.
        queue: what waits.
    """

    def __init__(self, process: Callable[[Sequence[Ticket]], None], queue: Queue) -> None:
        self._process = process
        self._queue = queue
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._lanes: list[_Lane] = []
        self._idle = 0

    def answer(self, ticket: Ticket) -> None:
        """Let a ticket be answered; return when it has ended.

        Raises:
            OverloadedError: if it could not be begun before its deadline, or there is no room for it.
            ModelBusyError: if its model is at one call for longer than that.
        """
        with self._lock:
            if self._lanes:
                self._refuse_if_hanging(ticket)
            lane = self._open_for(ticket)
            if lane is None:
                self._queue.put(ticket)
                self._see_to_it()
        if lane is not None:
            self._answer_alone(lane, ticket)
            return
        patience = PATIENCE_SECONDS
        while not ticket.wait(min(patience, ticket.deadline - time.monotonic())):
            patience = min(patience * 2, 1.0)
            with self._lock:
                self._see_to_it()
                if time.monotonic() >= ticket.deadline:
                    self._give_up(ticket)
                    patience = 1.0

    def begin_writing(self, tickets: Sequence[Ticket]) -> list[Ticket]:
        """Return those that somebody still waits for; from now on they wait for the database's word."""
        with self._lock:
            wanted = [ticket for ticket in tickets if not ticket.abandoned]
            for ticket in wanted:
                ticket.writing = True
            return wanted

    @property
    def waiting_rows(self) -> int:
        """How many rows wait."""
        return self._queue.rows

    def _give_up(self, ticket: Ticket) -> None:
        """End a ticket whose time is over, unless its record may be in the book by now."""
        if self._queue.withdraw(ticket):
            ticket.end(error=OverloadedError())
        elif not ticket.writing and not ticket.is_ended:
            ticket.abandoned = True
            ticket.end(error=ModelBusyError())
        ticket.deadline = float("inf")

    def _refuse_if_hanging(self, ticket: Ticket) -> None:
        """A model that hangs must not gather everybody's threads."""
        for lane in self._lanes:
            if _is_given_up(lane) and ticket.is_to_score and _is_in(ticket, lane.batch):
                raise ModelBusyError

    def _see_to_it(self) -> None:
        """Make sure that somebody takes what waits: the lane at work when it is done, if that is soon."""
        if not self._queue.rows:
            return
        now = time.monotonic()
        at_work = [lane for lane in self._lanes if lane.batch and not _is_given_up(lane)]
        if len(at_work) < MOST_LANES and all(lane.is_stuck(now) for lane in at_work):
            if self._idle:
                self._changed.notify()
            else:
                self._open()

    def _open_for(self, ticket: Ticket) -> _Lane | None:
        """Return a lane for one ticket if nothing else is to do: its own thread answers it at once."""
        if self._queue.rows:
            return None
        for lane in self._lanes:
            if lane.batch:
                return None
        lane = _Lane(batch=[ticket], since=time.monotonic())
        self._lanes.append(lane)
        return lane

    def _answer_alone(self, lane: _Lane, ticket: Ticket) -> None:
        try:
            self._process([ticket])
        finally:
            with self._lock:
                self._lanes.remove(lane)
                if self._queue.rows:
                    self._see_to_it()

    def _open(self) -> None:
        lane = _Lane(since=time.monotonic())
        self._lanes.append(lane)
        threading.Thread(target=self._run, args=(lane,), name="lane", daemon=True).start()

    def _run(self, lane: _Lane) -> None:
        while batch := self._next(lane):
            try:
                self._process(batch)
            except BaseException as error:
                for ticket in batch:
                    ticket.end(error=error if isinstance(error, Exception) else OverloadedError())
                if not isinstance(error, Exception):
                    raise
            finally:
                with self._lock:
                    lane.batch = []

    def _next(self, lane: _Lane) -> list[Ticket]:
        """Return the next batch; none if this lane is not needed any more."""
        with self._lock:
            while not (batch := self._queue.take(self._may_start)):
                if self._idle:  # One that waits is enough.
                    self._lanes.remove(lane)
                    return []
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            lane.batch, lane.since = batch, time.monotonic()
            return batch

    def _may_start(self, ticket: Ticket) -> bool:
        """One lane for each version that takes its time, and one for large requests."""
        now = time.monotonic()
        return not any(
            (ticket.is_to_score and _is_in(ticket, lane.batch))
            or (ticket.rows > LARGE and any(one.rows > LARGE for one in lane.batch))
            for lane in self._lanes
            if lane.is_stuck(now)
        )


def _is_given_up(lane: _Lane) -> bool:
    return bool(lane.batch) and all(ticket.abandoned for ticket in lane.batch)


def _is_in(ticket: Ticket, batch: Sequence[Ticket]) -> bool:
    """Whether a batch has a ticket for the same version."""
    return _version(ticket) in map(_version, batch)


def _version(ticket: Ticket) -> Version:
    return (ticket.target.model_id, ticket.target.number)
