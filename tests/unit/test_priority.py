"""What threads in the background leave to others."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.jobs import seal_records
from app.jobs.priority import give_way


@pytest.fixture
def thread():
    """Another thread: one cannot become less nice again."""
    with ThreadPoolExecutor(1) as other:
        yield other


def _niceness():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_thread_that_gives_way_is_nicer_than_others_and_never_less_nice_than_before(thread):
    own = _niceness()
    for niceness in (own + 2, own + 1):
        thread.submit(give_way, niceness).result()
        assert thread.submit(_niceness).result() == own + 2
    assert thread.submit(os.sched_getscheduler, 0).result() == os.SCHED_BATCH
    assert _niceness() == own
    assert os.sched_getscheduler(0) != os.SCHED_BATCH


def test_sealing_gives_way_to_predictions(thread):
    stop, told = threading.Event(), []

    class Sealer:
        def seal(self):
            told.append(_niceness())
            stop.set()

    thread.submit(seal_records.seal_until, Sealer(), stop, 0.1).result()
    assert told[0] > _niceness()
