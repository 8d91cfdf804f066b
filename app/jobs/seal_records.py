"""Seals what waits, for as long as the service runs."""

import threading

import structlog

from app.garbage import spare_the_collector
from app.jobs.priority import give_way
from app.sealer.sealer import BATCH, Sealer

log = structlog.get_logger(__name__)

# Enough to keep pace with workers that leave no processor idle.
_NICENESS = 10


def seal_until(sealer: Sealer, stop: threading.Event, seconds: float) -> None:
    """Seal every few seconds, and without a pause while there is more than fits a transaction.

    Whatever goes wrong is logged, and tried again: records wait meanwhile, and predictions go on, which come
    first: a book that is sealed a moment later is as good.
    """
    spare_the_collector()
    give_way(_NICENESS)
    while not stop.is_set():
        if not seal_once(sealer):
            stop.wait(seconds)


def seal_once(sealer: Sealer) -> bool:
    """Seal once; return whether there is more to do."""
    try:
        sealed = sealer.seal()
    except Exception as error:  # noqa: BLE001 (the loop must outlive whatever happens)
        log.error("not sealed", kind=type(error).__name__, why=" ".join(str(error).split()))
        return False
    return sealed is not None and sealed.leaves + sealed.set_aside == BATCH
