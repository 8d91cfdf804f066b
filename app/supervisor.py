"""The first process of `manage.py serve`: it keeps the workers running, and changes them without a gap.

The server's own loop ends the service when a worker dies twice within seconds, loses a death that comes
while it counts the dead, and on reload stops each old worker a fixed time after the new one began.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from granian.server import MPServer
from granian.server.mp import WorkerProcess

from app.signals import Interrupt

log = structlog.get_logger(__name__)

_LONGEST_PAUSE_SECONDS = 5.0
_READY_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.05
_LISTEN = "0A"


def ready_file(pid: int) -> Path:
    """Return the file that a worker makes when it has loaded everything and is about to listen."""
    return Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]) / f"ready-{pid}"


class Supervisor(MPServer):
    """Starts a worker for each one that dies, for as long as the service runs.

    Reload (SIGHUP) changes one worker after the other: the old one is told to finish when the new one
    listens; if the new one never does, the old one stays. So a number's worker lives, or `_due` says when
    the next one is tried.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.main_loop_interrupt = Interrupt()  # type: ignore[assignment]
        self._due: dict[int, float] = {}
        self._failures: dict[int, int] = {}
        self._leaving: list[threading.Thread] = []
        self._targets: tuple[Any, Any] = (None, None)

    def _serve_loop(self, *targets: Any) -> None:
        self._targets = targets[0], targets[1]
        try:
            while not self.interrupt_signal:
                self.main_loop_interrupt.wait(self._seconds_until_due())
                self._replace_the_dead()
                if self.reload_signal:
                    self.reload_signal = False
                    self._change_all()
        except BaseException:  # Or the workers would go on without anybody who looks after them.
            self._stop_workers()
            raise

    def _stop_workers(self) -> None:
        super()._stop_workers()  # type: ignore[no-untyped-call]
        for thread in self._leaving:
            thread.join()

    def _seconds_until_due(self) -> float | None:
        return max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None

    def _replace_the_dead(self) -> None:
        self._note_deaths()
        for number in [n for n, due in self._due.items() if due <= time.monotonic()]:
            try:
                self.wrks[number] = self._start(number)
            except OSError as error:  # No process, memory or descriptor is left at this moment.
                log.error("worker cannot be started", worker=number + 1, why=str(error))
                self._due[number] = time.monotonic() + _LONGEST_PAUSE_SECONDS
            else:
                del self._due[number]

    def _note_deaths(self) -> None:
        """Plan a worker for each that died; the pauses grow while they do not even start."""
        while self.interrupt_children:
            number = self.interrupt_children.pop(0)
            worker = self.wrks[number]
            if worker.is_alive() or number in self._due:
                continue
            log.error("worker died", worker=number + 1, status=worker.inner.exitcode)
            was_ready = ready_file(worker.inner.pid).exists()
            if not was_ready:  # It counted nothing, and there may be many of them.
                _forget_counts(worker.inner.pid)
            self._failures[number] = 0 if was_ready else self._failures.get(number, 0) + 1
            self._due[number] = time.monotonic() + _pause_after(self._failures[number])

    def _start(self, number: int) -> WorkerProcess:
        spawn_target, target_loader = self._targets
        worker = self._spawn_worker(idx=number, target=spawn_target, callback_loader=target_loader)
        worker.start()
        ready_file(worker.inner.pid).unlink(missing_ok=True)  # Numbers of processes return.
        return worker

    def _change_all(self) -> None:
        for number in range(self.workers):
            try:
                changed = self._change(number)
            except OSError as error:
                log.error("worker cannot be started", worker=number + 1, why=str(error))
                changed = False
            if self.interrupt_signal:
                return
            if not changed:
                log.error("the new worker does not start, the old ones stay", worker=number + 1)
                return

    def _change(self, number: int) -> bool:
        """Put a new worker in the place of an old one; return whether it listens."""
        new = self._start(number)
        if not self._listens_soon(new):
            self._see_off(new)
            return False
        old, self.wrks[number] = self.wrks[number], new
        self._due.pop(number, None)
        self._see_off(old)
        return True

    def _listens_soon(self, worker: WorkerProcess) -> bool:
        """Wait until a worker listens; others that die meanwhile are replaced."""
        end = time.monotonic() + _READY_SECONDS
        while worker.is_alive() and time.monotonic() < end and not self.interrupt_signal:
            if ready_file(worker.inner.pid).exists() and self.bind_port in _ports(worker.inner.pid):
                return True
            self._replace_the_dead()
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


def _forget_counts(pid: int) -> None:
    for file in ready_file(pid).parent.glob(f"*_{pid}.db"):
        file.unlink(missing_ok=True)


def _ports(pid: int) -> set[int]:
    """Return the TCP ports that a process listens on (Linux: proc_pid_fd(5), proc_pid_net(5))."""
    sockets = set()
    for path in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):  # It was closed meanwhile.
            sockets.add(str(path.readlink()))
    return {port for port, socket in _listening(pid) if socket in sockets}


def _listening(pid: int) -> Iterator[tuple[int, str]]:
    for line in _connections(pid):
        _, local, _, state, *_, inode = line.split()[:10]
        if state == _LISTEN:
            yield int(local.rpartition(":")[2], 16), f"socket:[{inode}]"


def _connections(pid: int) -> list[str]:
    with suppress(OSError):  # It has ended.
        tables = [path.read_text() for path in Path(f"/proc/{pid}/net").glob("tcp*")]
        return [line for table in tables for line in table.splitlines()[1:]]
    return []
