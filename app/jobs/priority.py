"""How much of the processors background work leaves to those who wait for an answer."""

import os
import threading


def give_way(niceness: int) -> None:
    """Let this thread interrupt no other, and get less of a processor that others want (`nice(2)`).

    On Linux each thread has a niceness of its own. One that is nicer already stays so.
    """
    thread = threading.get_native_id()
    os.sched_setscheduler(thread, os.SCHED_BATCH, os.sched_param(0))
    own = os.getpriority(os.PRIO_PROCESS, thread)
    os.setpriority(os.PRIO_PROCESS, thread, max(own, niceness))
