"""Rolling restarts: every worker is changed, again and again; there always is one that listens."""

import signal
import time

import pytest

from app.supervisor import _ports
from tests.support.live import children

RESTARTS = 100
LONGEST_SECONDS = 30


def test_rolling_restarts(house):
    with house.serve(WEB_CONCURRENCY="1") as live, house.asked(live) as journal:
        for _ in range(RESTARTS):
            (old,) = children(live.process.pid)
            live.process.send_signal(signal.SIGHUP)
            _wait_until_gone(live, old)
            journal.wait_for_answers()
    assert not {"ConnectionRefusedError", "503"} & {
        what for what, n in journal.troubles.items() if n
    }
    assert not journal.unheard  # What a worker had begun, it finished, and said so.


def _wait_until_gone(live, old: int) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    while old in (now := children(live.process.pid)):
        if time.monotonic() > end:
            listening = [worker for worker in now if _ports(worker)]
            pytest.fail(f"worker {old} stays, of {now}; {listening} listen")
        time.sleep(0.05)
