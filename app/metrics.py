"""What `/metrics` counts. With several workers, their counts meet in `PROMETHEUS_MULTIPROC_DIR`."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY

from app.counting import Counter, Gauge, Histogram, SharedValue

_IS_SHARED = "PROMETHEUS_MULTIPROC_DIR" in os.environ
if _IS_SHARED:
    values.ValueClass = SharedValue
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter(
    "daybook_requests_total", "HTTP requests answered.", ["method", "endpoint", "status"]
)
REQUEST_SECONDS = Histogram(
    "daybook_request_seconds", "Time to answer a request.", ["endpoint"], buckets=_SECONDS
)
PREDICTIONS = Counter(
    "daybook_predictions_total", "Records committed, by model and fate.", ["model", "status"]
)
SCORING = Histogram(
    "daybook_scoring_seconds", "Time of one model call.", ["model"], buckets=_SECONDS
)
#: Requests for predictions: as many as there were answers, plus those in flight.
ASKED = Counter("daybook_prediction_requests_total", "Requests for predictions that arrived.")
ANSWERED = Counter(
    "daybook_prediction_answers_total", "Requests for predictions answered, by fate.", ["fate"]
)
BEING_ANSWERED = Gauge(
    "daybook_prediction_requests_in_flight",
    "Requests for predictions being answered.",
    multiprocess_mode="livesum",
)
BATCH_ROWS = Histogram(
    "daybook_batch_rows",
    "Records that one transaction writes.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096, 16384),
)
QUEUE_WAIT = Histogram(
    "daybook_queue_wait_seconds",
    "Time that the first request of a batch waits until it is begun.",
    buckets=_SECONDS,
)
COMMITTING = Histogram(
    "daybook_commit_seconds",
    "Time to write and commit the records of a batch; large requests, written while they are made, are not in it.",
    buckets=_SECONDS,
)
# What is counted for each request is looked up once: to name a child costs more than to count it.
requests = lru_cache(maxsize=1024)(REQUESTS.labels)
request_seconds = lru_cache(maxsize=256)(REQUEST_SECONDS.labels)
predictions = lru_cache(maxsize=1024)(PREDICTIONS.labels)
answered = lru_cache(maxsize=16)(ANSWERED.labels)
scoring = lru_cache(maxsize=256)(SCORING.labels)


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format, summed over the workers."""
    if not _IS_SHARED:
        return generate_latest(REGISTRY)
    _forget_dead_workers(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What became of the requests for predictions that one worker was asked."""

    pid: int
    is_alive: bool
    asked: int
    answered: int
    in_flight: int

    @property
    def missing(self) -> int:
        """Requests without any fate: none while a worker lives, those it broke off when it was killed."""
        return self.asked - self.answered - (self.in_flight if self.is_alive else 0)


def balances(folder: Path) -> Iterator[Balance]:
    """Read the balance of each worker that counts, or counted, in a folder."""
    for pid in sorted({file.stem.rpartition("_")[2] for file in folder.glob("counter_*.db")}):
        files = [str(file) for file in folder.glob(f"*_{pid}.db")]
        merged = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        totals = {metric.name: int(sum(s.value for s in metric.samples)) for metric in merged}
        asked, answered, in_flight = (
            totals.get(next(iter(metric.describe())).name, 0)
            for metric in (ASKED, ANSWERED, BEING_ANSWERED)
        )
        yield Balance(
            pid=int(pid), is_alive=Path("/proc", pid).exists(),
            asked=asked, answered=answered, in_flight=in_flight,
        )  # fmt: skip


def _forget_dead_workers(folder: Path) -> None:
    """Remove the gauges of workers that are gone: what was in flight there is not any more."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if not Path("/proc", pid).exists():
            file.unlink(missing_ok=True)
