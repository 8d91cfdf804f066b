"""The first process of `manage.py serve`, without its workers."""

import os
import signal
import socket
import subprocess

from app.supervisor import Interrupt, _ports

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


def test_the_ports_that_a_process_listens_on_are_known():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert listening.getsockname()[1] in _ports(os.getpid())


def test_a_process_that_has_just_ended_listens_nowhere():
    ended = subprocess.Popen(["true"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # Its parent has not heard of it yet.
    assert _ports(ended.pid) == set()
    ended.wait()
    assert _ports(ended.pid) == set()
