"""Servers as processes: started, put to sleep while others are measured, stopped; and what they cost (Linux)."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_START_SECONDS = 90.0
_STOP_SECONDS = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One line of the process table: `seconds` of processor time, its own and of children that ended."""

    pid: int
    parent: int
    state: str
    seconds: float


def process_table() -> dict[int, Process]:
    """Return all processes by their number."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # It has ended meanwhile.
            pid, fields = int(path.parent.name), path.read_text().rsplit(")", 1)[1].split()
            seconds = sum(map(int, fields[11:15])) / _TICKS
            found[pid] = Process(pid, int(fields[1]), fields[0], seconds)
    return found


def family(leader: int) -> set[int]:
    """Return a process and its descendants, whatever process group they moved to."""
    table = process_table()
    found, size = {leader}, 0
    while size != len(found):
        size = len(found)
        found |= {process.pid for process in table.values() if process.parent in found}
    return found & table.keys()


class Server:
    """A server and its helpers, asleep unless it is measured.

    Args:
        process: the server.
        beside: further processes whose work is its work, such as its database's first process.
    """

    def __init__(self, process: subprocess.Popen[bytes], *, beside: Sequence[int] = ()) -> None:
        self.process = process
        self._beside = beside

    @contextlib.contextmanager
    def awake(self) -> Iterator[None]:
        """Let it run for as long as this lasts: some servers keep a processor busy even when idle."""
        self._signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.sleep()

    def sleep(self) -> None:
        """Let it do nothing until it is asked."""
        self._signal(signal.SIGSTOP)

    def cpu_seconds(self) -> float:
        """Return the processor seconds that it and what works for it have used."""
        table = process_table()
        members = family(self.process.pid).union(*map(family, self._beside))
        return sum(table[pid].seconds for pid in members if pid in table)

    def stop(self) -> None:
        """Stop it as Ctrl-C would, and then by force whatever is left."""
        members = family(self.process.pid)
        self._signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGINT)
        end = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < end and _living(members):
            self.process.poll()
            time.sleep(0.05)
        for pid in _living(members):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: int) -> None:
        for pid in family(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _living(pids: set[int]) -> set[int]:
    return {pid for pid, process in process_table().items() if pid in pids and process.state != "Z"}


def wait_for(
    process: subprocess.Popen[bytes], url: str, is_ready: Callable[[str], bool] | None = None
) -> None:
    """Wait until an address answers.

    Raises:
        RuntimeError: if the server ends, or takes too long.
    """
    end = time.monotonic() + _START_SECONDS
    while not (is_ready or answers)(url):
        if process.poll() is not None:
            raise RuntimeError(f"{url}: the server ended with status {process.returncode}")
        if time.monotonic() > end:
            raise RuntimeError(f"{url}: not ready after {_START_SECONDS:.0f} seconds")
        time.sleep(0.02)


def answers(url: str) -> bool:
    """Whether an address can be read."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
