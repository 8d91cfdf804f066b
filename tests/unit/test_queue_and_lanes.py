"""Who waits, who goes next, and with whom."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from app.models import Channel, Role
from app.recorder.lanes import Lanes
from app.recorder.queue import LARGE, Queue
from app.recorder.records import Attempt, Submitted, Target
from app.recorder.tickets import ModelBusyError, OverloadedError, Ticket
from tests.support.waiting import until

ANA, BEN, CLEO = uuid4(), uuid4(), uuid4()


def ticket(actor=ANA, rows=1, size=10, seconds=30.0, model=None):
    attempt = Attempt(actor_id=actor, token_id=None, role=Role.ANALYST, channel=Channel.API)
    nothing = [None] * rows
    return Ticket(
        attempt=attempt, target=Target(model_id=model, number=1), key=None, size=size,
        work=Submitted(rows=[{}] * rows, references=nothing, subjects=nothing),
        deadline=time.monotonic() + seconds,
    )  # fmt: skip


def waiting(*tickets, most_rows=1000, most_bytes=10_000):
    queue = Queue(most_rows, most_bytes)
    for one in tickets:
        queue.put(one)
    return queue


def anything(_):
    return True


def test_callers_take_turns():
    first, second, third, other = ticket(rows=150), ticket(rows=100), ticket(), ticket(BEN)
    queue = waiting(first, second, third, other)
    assert queue.take(anything) == [first, other, second, third]
    assert (queue.rows, queue.bytes) == (0, 0)


def test_a_large_request_goes_alone():
    large, small = ticket(rows=LARGE + 1), ticket(BEN)
    queue = waiting(large, small, ticket(CLEO))
    assert queue.take(anything) == [large]
    assert small in queue.take(anything)


@pytest.mark.parametrize("more", [ticket(BEN, rows=401), ticket(BEN, size=4_001)])
def test_the_queue_is_bounded_in_rows_and_bytes(more):
    queue = waiting(ticket(ANA, rows=300, size=3_000), ticket(CLEO, rows=300, size=3_000))
    with pytest.raises(OverloadedError):
        queue.put(more)
    assert queue.rows == 600


def test_nobody_fills_more_than_half_of_the_queue_alone():
    queue = waiting(ticket(rows=400))
    with pytest.raises(OverloadedError):
        queue.put(ticket(rows=101))
    queue.put(ticket(BEN, rows=101))


def test_an_empty_queue_takes_any_request():
    assert waiting(ticket(rows=5_000)).rows == 5_000


def test_what_may_not_start_waits_on():
    held, free = ticket(model=uuid4()), ticket(BEN)
    queue = waiting(held, free)
    assert queue.take(lambda one: one is not held) == [free]
    assert queue.rows == 1


class Processor:
    """Ends tickets, but not before it is told to."""

    def __init__(self) -> None:
        self.batches = 0
        self.tickets: list[Ticket] = []
        self.threads: list[int] = []
        self.go_on = threading.Event()
        self.begun = threading.Semaphore(0)

    def __call__(self, tickets):
        self.batches += 1
        self.tickets += tickets
        self.threads.append(threading.get_ident())
        self.begun.release()
        assert self.go_on.wait(20)
        for one in tickets:
            one.end(result=[])


@pytest.fixture
def processor():
    processor = Processor()
    yield processor
    processor.go_on.set()


def lanes_of(processor, most_rows=1000):
    return Lanes(processor, Queue(most_rows, 10**6))


def test_a_lone_request_is_answered_by_its_own_thread(processor):
    processor.go_on.set()
    lanes_of(processor).answer(ticket())
    assert processor.threads == [threading.get_ident()]


def test_those_who_come_meanwhile_go_together(processor):
    lanes = lanes_of(processor)
    with ThreadPoolExecutor(8) as pool:
        pool.submit(lanes.answer, ticket())
        processor.begun.acquire()
        done = [pool.submit(lanes.answer, ticket(BEN)) for _ in range(6)]
        until(lambda: lanes.waiting_rows + len(processor.tickets) == 7)
        processor.go_on.set()
        for one in done:
            one.result(20)
    assert processor.batches < 7


def test_a_slow_lane_is_joined_by_another(processor):
    lanes = lanes_of(processor)
    with ThreadPoolExecutor(2) as pool:
        pool.submit(lanes.answer, ticket(model=uuid4()))
        processor.begun.acquire()
        pool.submit(lanes.answer, ticket(BEN, model=uuid4()))
        assert processor.begun.acquire(timeout=20)
        processor.go_on.set()
    assert processor.batches == 2


def test_what_cannot_be_begun_in_time_is_refused_and_never_begun(processor):
    model = uuid4()
    lanes = lanes_of(processor)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lanes.answer, ticket(model=model))
        processor.begun.acquire()
        late = ticket(BEN, seconds=0.1, model=model)
        lanes.answer(late)
        processor.go_on.set()
    assert isinstance(late.error, OverloadedError)
    assert late not in processor.tickets


def test_a_model_that_hangs_gathers_no_threads(processor):
    model, lanes = uuid4(), lanes_of(processor)
    lone = ticket(model=model)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lanes.answer, lone)
        processor.begun.acquire()
        lone.abandoned = True
        with pytest.raises(ModelBusyError):
            lanes.answer(ticket(BEN, model=model))
        processor.go_on.set()
