"""How long the service takes from its command to its first answer, and what memory a worker holds."""

import time
from pathlib import Path
from statistics import median

from benchmarks.client import ask
from benchmarks.house import House, free_port
from benchmarks.load import Target
from benchmarks.processes import Server, family

_MOST_SECONDS = 60


def start_to_first_answer(house: House, *, rounds: int) -> float:
    """Return the seconds from `manage.py serve` to the first committed answer; the median of the rounds."""
    seconds = []
    for _ in range(rounds):
        port = free_port()
        began = time.perf_counter()
        server = Server(house.daybook(port))
        try:
            _wait_for_answer(house.target("logreg", port, server), house.bodies()[0])
            seconds.append(time.perf_counter() - began)
        finally:
            server.stop()
    return median(seconds)


def megabytes_per_worker(server: Server) -> float:
    """Return the proportional set size of the largest process, which is a worker."""
    return max(map(_megabytes, family(server.process.pid)))


def _wait_for_answer(target: Target, body: bytes) -> None:
    end = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < end:
        try:
            ask(target, body)
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"no answer within {_MOST_SECONDS} seconds")


def _megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
