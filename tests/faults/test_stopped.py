"""What does not die but does not go on either: a database asleep, a disk that is full."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.house import furnished

SLEEPS = 6
TIMES_FULL = 3
LONGEST_WAIT_SECONDS = 20.0


def test_a_database_asleep(house):
    """Requests wait for it a while, longer than it allows statements itself, and are told to come again."""
    limits = {"DAYBOOK_STATEMENT_TIMEOUT_MS": "1000", "DAYBOOK_DEADLINE_SECONDS": "5"}
    with house.serve(**limits) as live, house.asked(live) as journal:
        for turn in range(SLEEPS):
            told = journal.troubles["503"]
            with house.database_asleep():
                if turn % 2:
                    journal.wait_for_troubles("503", told + 6, within=LONGEST_WAIT_SECONDS)
                else:
                    time.sleep(0.5)
            journal.wait_for_answers()


def test_a_full_disk(small_filesystem):
    """PostgreSQL cannot write, and stops or answers errors; with room again it goes on by itself."""
    ballast = small_filesystem / "ballast"
    with furnished(small_filesystem) as house, house.serve() as live, house.asked(live) as journal:
        for _ in range(TIMES_FULL):
            told = journal.troubles["503"]
            _fill(ballast)
            journal.wait_for_troubles("503", told + 20, within=60)
            ballast.unlink()
            journal.wait_for_answers()


@pytest.fixture
def small_filesystem(folder) -> Path:
    """A filesystem of 192 MB, in memory: only root can make one."""
    if os.geteuid():
        pytest.skip("only root can mount a small filesystem")
    place = folder / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=192m,mode=755", "daybook-faults", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    (folder / "serve.log").write_text((place / "serve.log").read_text())
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(2**16))
        except OSError:
            pass
