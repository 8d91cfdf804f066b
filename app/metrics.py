"""What `/metrics` counts. With several workers, their counts meet in `PROMETHEUS_MULTIPROC_DIR`."""

import os

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
COMMITTING = Histogram(
    "daybook_commit_seconds", "Time to write and commit the records of a request.", buckets=_SECONDS
)


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format, summed over the workers."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
