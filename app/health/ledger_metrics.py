"""What `/metrics` tells of the ledger: read from the database, so that every worker tells the same."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.services.ledger import LedgerStatus


def exposition(now: LedgerStatus) -> bytes:
    """Return where the book stands in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Status(now))
    return generate_latest(registry)


class _Status(Collector):
    """Gauges of this moment: nothing of them is kept, in the process or in the files that workers share."""

    def __init__(self, now: LedgerStatus) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        now, oldest = self._now, self._now.oldest_pending_at
        age = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
        yield _gauge("size", "Leaves in the book.", now.size)
        yield _gauge("pending", "Records that wait to be sealed.", now.pending)
        yield _gauge(
            "oldest_pending_seconds",
            "Age of the oldest of them; raise an alarm at 30.",
            max(age, 0.0),
        )
        yield _gauge(
            "set_aside",
            "Records that are not what they were; raise an alarm above 0.",
            now.findings,
        )
        behind = GaugeMetricFamily(
            "daybook_ledger_sink_behind",
            "Leaves that a sink has no checkpoint of.",
            labels=["sink"],
        )
        for sink in now.sinks:
            behind.add_metric([sink.name], now.size - (sink.size or 0))
        yield behind


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"daybook_ledger_{name}", meaning, value=value)
