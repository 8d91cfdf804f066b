"""The first process of `manage.py serve`: it keeps the workers running, and changes them without a gap.

The server's own loop ends the service when a worker dies twice within seconds, loses a death that comes
while it counts the dead, and on reload stops each old worker a fixed time after the new one began.
"""

import os
import threading
import time
from pathlib import Path
from typing import Any

import structlog
from granian.server import MPServer
from granian.server.mp import WorkerProcess

log = structlog.get_logger(__name__)

_LONGEST_PAUSE_SECONDS = 5.0
_READY_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.05


def ready_file(pid: int) -> Path:
    """Return the file that a worker makes when it has loaded everything and is about to listen."""
    return Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]) / f"ready-{pid}"


class Supervisor(MPServer):
    """Starts a worker for each one that dies, for as long as the service runs.

    Reload (SIGHUP) changes one worker after the other: the old one is told to finish when the new one is
    ready; if the new one never is, the old one stays.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._due: dict[int, float] = {}
        self._failures: dict[int, int] = {}
        self._leaving: list[threading.Thread] = []

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait(self._seconds_until_due())
            self.main_loop_interrupt.clear()
            self._note_deaths()
            for number in [n for n, due in self._due.items() if due <= time.monotonic()]:
                del self._due[number]
                self.wrks[number] = self._start(number, spawn_target, target_loader)
            if self.reload_signal:
                self.reload_signal = False
                self._change_all(spawn_target, target_loader)

    def _stop_workers(self) -> None:
        super()._stop_workers()  # type: ignore[no-untyped-call]
        for thread in self._leaving:
            thread.join()

    def _seconds_until_due(self) -> float | None:
        return max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None

    def _note_deaths(self) -> None:
        """Plan a worker for each that died; the pauses grow while they do not even start."""
        while self.interrupt_children:
            number = self.interrupt_children.pop(0)
            worker = self.wrks[number]
            if worker.is_alive() or number in self._due:
                continue
            log.error("worker died", worker=number + 1, status=worker.inner.exitcode)
            was_ready = ready_file(worker.inner.pid).exists()
            ready_file(worker.inner.pid).unlink(missing_ok=True)  # Numbers of processes return.
            self._failures[number] = 0 if was_ready else self._failures.get(number, 0) + 1
            self._due[number] = time.monotonic() + _pause_after(self._failures[number])

    def _start(self, number: int, spawn_target: Any, target_loader: Any) -> WorkerProcess:
        worker = self._spawn_worker(idx=number, target=spawn_target, callback_loader=target_loader)
        worker.start()
        return worker

    def _change_all(self, spawn_target: Any, target_loader: Any) -> None:
        for number in range(self.workers):
            self._due.pop(number, None)
            old = self.wrks[number]
            new = self.wrks[number] = self._start(number, spawn_target, target_loader)
            if not self._becomes_ready(new) and not self.interrupt_signal:
                log.error("the new worker does not start, the old ones stay", worker=number + 1)
                self.wrks[number] = old
                self._see_off(new)
                return
            self._see_off(old)
            if self.interrupt_signal:
                return

    def _becomes_ready(self, worker: WorkerProcess) -> bool:
        end = time.monotonic() + _READY_SECONDS
        while worker.is_alive() and time.monotonic() < end and not self.interrupt_signal:
            if ready_file(worker.inner.pid).exists():
                return True
            time.sleep(_LOOK_EVERY_SECONDS)
        return False

    def _see_off(self, worker: WorkerProcess) -> None:
        """Tell a worker to finish, and kill it if it takes too long; nobody waits for that."""

        def leave() -> None:
            worker.terminate()
            worker.join(self.workers_kill_timeout)
            if worker.is_alive():
                worker.kill()

        thread = threading.Thread(target=leave, name="leaving")
        thread.start()
        self._leaving = [one for one in self._leaving if one.is_alive()] + [thread]


def _pause_after(failures: int) -> float:
    """Return the seconds before another worker is tried, after so many in turn that never were ready."""
    return float(min(0.1 * 2 ** min(failures, 10), _LONGEST_PAUSE_SECONDS)) if failures > 1 else 0.0
