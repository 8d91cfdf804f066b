"""Seals what waits, for as long as the service runs."""

import threading

import structlog

from app.garbage import spare_the_collector
from app.sealer.sealer import BATCH, Sealer

log = structlog.get_logger(__name__)


def seal_until(sealer: Sealer, stop: threading.Event, seconds: float) -> None:
    """Seal every few seconds, and without a pause while there is more than fits a transaction.

    Whatever goes wrong is logged, and tried again: records wait meanwhile, and predictions go on.
    """
    spare_the_collector()
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
