"""The first process of `manage.py serve`, without its workers."""

import os
import socket
import subprocess

from app.supervisor import _ports


def test_the_ports_that_a_process_listens_on_are_known():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert listening.getsockname()[1] in _ports(os.getpid())


def test_a_process_that_has_just_ended_listens_nowhere():
    ended = subprocess.Popen(["true"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # Its parent has not heard of it yet.
    assert _ports(ended.pid) == set()
    ended.wait()
    assert _ports(ended.pid) == set()
