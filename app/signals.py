"""Hearing signals in a process of several threads.

Python runs a signal's handler in its first thread, once that runs. A signal to the process wakes the first
thread; but another thread may take the signal before that one has its turn (in glibc any that begins or ends
a thread at that moment, for it looks at its signals then), and the first one sleeps on. Where it waits
without end, nobody hears.
"""

import math
import queue
import signal
import threading

_LONGEST_SLEEP_SECONDS = 1.0


class Interrupt:
    """What ends a wait, as `threading.Event` does; a signal's handler may set it while its thread waits.

    An event is set behind a lock, which a thread that is about to wait holds: a signal in that moment would
    stop the thread for ever. What `queue.SimpleQueue` promises is that `put` may be called within itself.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self) -> None:
        """End the wait, or the next one."""
        self._calls.put(None)

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is set, for some seconds at most, and take that back; return whether it was.

        Signals are heard within a second, whichever thread takes them.
        """
        left = math.inf if seconds is None else seconds
        while True:
            try:
                self._calls.get(timeout=min(left, _LONGEST_SLEEP_SECONDS))
            except queue.Empty:
                left -= _LONGEST_SLEEP_SECONDS
                if left <= 0:
                    return False
            else:
                return True


def told_to_end() -> Interrupt:
    """Return what SIGINT and SIGTERM set from now on; for a process's first thread."""
    told = Interrupt()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    return told


def let_first_thread_be_woken() -> None:
    """Prepare for `wake_first_thread`; for the first thread itself."""
    signal.signal(signal.SIGURG, lambda *_: None)


def wake_first_thread() -> None:
    """Let the first thread run handlers that are due, and sleep on; for one that waits in somebody else's code."""
    first = threading.main_thread().ident
    if first is not None:
        signal.pthread_kill(first, signal.SIGURG)
