"""A signal is heard, whichever thread of the process takes it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from config import PROJECT
from tests.support.live import children, live_server
from tests.support.postgres import SECRET
from tests.support.waiting import until

CROWD = str(Path(__file__).with_name("crowd.py"))
#: So many that some meet another thread.
SIGNALS = 5
RELOADS = 3
LONGEST_SECONDS = 30


def test_a_waiting_process_hears_every_signal():
    command = [sys.executable, CROWD, "wait"]
    with subprocess.Popen(
        command, cwd=PROJECT, env={"PYTHONPATH": str(PROJECT)}, stdout=subprocess.PIPE
    ) as process:
        end = threading.Timer(LONGEST_SECONDS, process.kill)
        end.start()
        try:
            for _ in range(SIGNALS):
                assert process.stdout.readline() == b"waits\n"
                process.send_signal(signal.SIGTERM)
            assert process.stdout.readline() == b"waits\n"
        finally:
            end.cancel()
            process.kill()


def test_workers_hear_that_they_are_to_end(fresh_url, tmp_path):
    with live_server(
        fresh_url, tmp_path, [sys.executable, CROWD, "serve"], PYTHONPATH=str(PROJECT)
    ) as server:
        for _ in range(RELOADS):
            (old,) = children(server.process.pid)
            server.process.send_signal(signal.SIGHUP)
            until(lambda: len(children(server.process.pid)) == 2)
            until(lambda old=old: old not in children(server.process.pid), 25)
        assert server.stop() == 0


@pytest.mark.parametrize("command", [["work"], ["ledger", "seal", "--watch"]])
def test_what_runs_beside_a_server_ends_when_it_is_told_to(fresh_url, tmp_path, command):
    settings = {"DAYBOOK_HOME": str(tmp_path), "DATABASE_URL": fresh_url, "SECRET_KEY": SECRET}
    with subprocess.Popen(
        [sys.executable, "manage.py", *command], cwd=PROJECT, env=os.environ | settings
    ) as process:
        try:
            until(lambda: len(list(Path(f"/proc/{process.pid}/task").iterdir())) > 1)
            process.terminate()
            assert process.wait(30) == 0
        finally:
            process.kill()
