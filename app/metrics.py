"""What `/metrics` counts. With several workers, their counts meet in `PROMETHEUS_MULTIPROC_DIR`."""

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter(
    "daybook_requests_total", "HTTP requests answered.", ["method", "endpoint", "status"]
)
REQUEST_SECONDS = Histogram(
    "daybook_request_seconds", "Time to answer a request.", ["endpoint"], buckets=_SECONDS
)
IN_FLIGHT = Gauge(
    "daybook_requests_in_flight", "Requests being answered.", multiprocess_mode="livesum"
)
PREDICTIONS = Counter(
    "daybook_predictions_total", "Records committed, by model and fate.", ["model", "status"]
)
SCORING = Histogram(
    "daybook_scoring_seconds", "Time of one model call.", ["model"], buckets=_SECONDS
)
WAITING = Histogram(
    "daybook_connection_wait_seconds",
    "Time that a recording waits in the queue for a database connection.",
    buckets=_SECONDS,
)
COMMITTING = Histogram(
    "daybook_commit_seconds", "Time to write and commit the records of a request.", buckets=_SECONDS
)


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format, summed over the workers."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    _forget_dead_workers(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_dead_workers(folder: Path) -> None:
    """Remove the gauges of workers that are gone: what was in flight there is not any more."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if not Path("/proc", pid).exists():
            file.unlink(missing_ok=True)
