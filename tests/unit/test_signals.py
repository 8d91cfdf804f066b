"""Hearing signals."""

import signal
import time

from app.signals import Interrupt

WAITS = 5000


def test_a_signal_that_comes_when_a_wait_begins_or_ends_never_stops_the_thread():
    interrupt, signals = Interrupt(), []

    def handle(*_):
        signals.append(None)
        interrupt.set()

    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 20e-6, 20e-6)  # So often that every place is met.
        for _ in range(WAITS):
            assert interrupt.wait(20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(signals) >= WAITS


def test_what_was_set_before_a_wait_ends_it_at_once_and_only_that():
    interrupt = Interrupt()
    interrupt.set()
    assert interrupt.wait(None)
    assert not interrupt.wait(0.001)


def test_a_wait_that_nothing_ends_lasts_as_long_as_it_is_told_to(monkeypatch):
    monkeypatch.setattr("app.signals._LONGEST_SLEEP_SECONDS", 0.01)
    began = time.monotonic()
    assert not Interrupt().wait(0.1)
    assert time.monotonic() - began >= 0.1
