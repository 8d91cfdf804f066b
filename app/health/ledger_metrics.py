"""What `/metrics` tells of the ledger: read from the database, so that every worker tells the same."""

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from app.services.ledger import LedgerStatus


def exposition(now: LedgerStatus) -> bytes:
    """Return where the book stands in Prometheus' text format."""
    registry = CollectorRegistry()

    def tell(name: str, meaning: str, value: float) -> None:
        Gauge(f"daybook_ledger_{name}", meaning, registry=registry).set(value)

    oldest = now.oldest_pending_at
    age = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
    tell("size", "Leaves in the book.", now.size)
    tell("pending", "Records that wait to be sealed.", now.pending)
    tell(
        "oldest_pending_seconds", "Age of the oldest of them; raise an alarm at 30.", max(age, 0.0)
    )
    tell("set_aside", "Records that are not what they were; raise an alarm above 0.", now.findings)
    behind = Gauge(
        "daybook_ledger_sink_behind",
        "Leaves that a sink has no checkpoint of.",
        ["sink"],
        registry=registry,
    )
    for sink in now.sinks:
        behind.labels(sink.name).set(now.size - (sink.size or 0))
    return generate_latest(registry)
