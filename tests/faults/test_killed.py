"""kill -9, of workers and of PostgreSQL: nothing acknowledged is lost, nothing is there twice."""

import os
import random
import signal
import time
from contextlib import suppress

import pytest

from tests.support.live import children

WORKERS, WORKERS_KILLED, DATABASES_KILLED = 6, 300, 50


def test_killed_workers(house):
    """Any worker at any moment, also while it starts; one that is ready always stays."""
    dice = random.Random(1)
    killed: set[int] = set()
    with house.serve(WEB_CONCURRENCY=str(WORKERS)) as live, house.asked(live) as journal:
        for _ in range(WORKERS_KILLED):
            victim = dice.choice(_spare_workers(live, killed))
            killed.add(victim)
            os.kill(victim, signal.SIGKILL)
            journal.wait_for_answers()


def test_killed_databases(house):
    """The first process alone, all at once, or one that serves a connection: each in its turn."""
    with house.serve() as live, house.asked(live) as journal:
        for turn in range(DATABASES_KILLED):
            match turn % 3:
                case 0:
                    os.kill(house.postmaster(), signal.SIGKILL)
                case 1:
                    house.signal_database(signal.SIGKILL)
                case 2:
                    _kill_a_backend(house)
            journal.wait_for_answers()


def test_commits_that_are_not_flushed_are_lost_which_shows_that_the_suite_can_tell(house):
    """The control: with `synchronous_commit = off` a killed database loses what it has acknowledged."""
    house.execute("ALTER DATABASE daybook SET synchronous_commit = off")
    with pytest.raises(AssertionError, match="was acknowledged and is lost"):
        _kill_all_at_once(house, 10)


def _kill_all_at_once(house, times: int) -> None:
    with house.serve() as live, house.asked(live) as journal:
        for _ in range(times):
            house.signal_database(signal.SIGKILL)
            journal.wait_for_answers()


def _spare_workers(live, killed: set[int]) -> list[int]:
    """The workers that may be killed: all, unless only one of them is ready."""
    folder = live.folder / "metrics" / str(live.process.pid)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        workers = [pid for pid in children(live.process.pid) if pid not in killed]
        ready = [pid for pid in workers if (folder / f"ready-{pid}").exists()]
        if len(ready) >= 2:
            return workers
        time.sleep(0.05)
    raise AssertionError("the workers do not come back")


def _kill_a_backend(house) -> None:
    rows = house.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'daybook'"
        " ORDER BY query_start DESC NULLS LAST LIMIT 1"
    )
    with suppress(ProcessLookupError, IndexError):
        os.kill(rows[0][0], signal.SIGKILL)
