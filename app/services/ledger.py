"""Where the book stands: its size, what waits, what was set aside, how far the sinks are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from app.extensions import db
from app.identifiers import time_of
from app.models import (
    LedgerCheckpoint,
    LedgerFinding,
    LedgerHead,
    LedgerPublication,
    ledger_pending,
)
from app.services.errors import NotSealedError


@dataclass(frozen=True, kw_only=True)
class SinkStatus:
    """How far a sink is: the size of its newest checkpoint, and its last error."""

    name: str
    size: int | None
    published_at: datetime | None
    error: str | None


@dataclass(frozen=True, kw_only=True)
class LedgerStatus:
    """Where the book stands. `oldest_pending_at` is when the oldest waiting record was made."""

    origin: str | None
    key: str | None
    size: int
    root: bytes
    signed_at: datetime | None
    pending: int
    oldest_pending_at: datetime | None
    findings: int
    sinks: Sequence[SinkStatus]


def status(sinks: Sequence[str]) -> LedgerStatus:
    """Return where the book stands.

    Args:
        sinks: the names of the sinks that are set.
    """
    head = db.session.get_one(LedgerHead, 1)
    oldest = db.session.scalar(select(ledger_pending.c.id).order_by(ledger_pending.c.id).limit(1))
    return LedgerStatus(
        origin=head.origin,
        key=head.key,
        size=head.size,
        root=head.root,
        signed_at=db.session.scalar(
            select(LedgerCheckpoint.signed_at).where(LedgerCheckpoint.size == head.size)
        ),
        pending=db.session.scalar(select(func.count()).select_from(ledger_pending)) or 0,
        oldest_pending_at=time_of(oldest) if oldest else None,
        findings=db.session.scalar(select(func.count()).select_from(LedgerFinding)) or 0,
        sinks=[_sink_status(name) for name in sinks],
    )


def newest_checkpoint() -> LedgerCheckpoint:
    """Return the newest checkpoint.

    Raises:
        NotSealedError: if nothing is sealed yet.
    """
    query = select(LedgerCheckpoint).order_by(LedgerCheckpoint.size.desc()).limit(1)
    if (found := db.session.scalar(query)) is None:
        raise NotSealedError("Nothing is sealed yet.")
    return found


def newest_checkpoints(limit: int = 10) -> Sequence[LedgerCheckpoint]:
    """Return the newest checkpoints, the newest first."""
    query = select(LedgerCheckpoint).order_by(LedgerCheckpoint.size.desc()).limit(limit)
    return db.session.scalars(query).all()


def newest_findings(limit: int = 10) -> Sequence[LedgerFinding]:
    """Return the records that were set aside last, the newest first."""
    query = select(LedgerFinding).order_by(LedgerFinding.found_at.desc()).limit(limit)
    return db.session.scalars(query).all()


def growth(days: int = 30) -> list[tuple[datetime, int]]:
    """Return when the book had which size over the last days, an hour apart at least."""
    hour = func.date_trunc("hour", LedgerCheckpoint.signed_at)
    query = (
        select(func.max(LedgerCheckpoint.signed_at), func.max(LedgerCheckpoint.size))
        .where(LedgerCheckpoint.signed_at > datetime.now(UTC) - timedelta(days=days))
        .group_by(hour)
        .order_by(hour)
    )
    return [(signed_at, size) for signed_at, size in db.session.execute(query)]


def _sink_status(name: str) -> SinkStatus:
    found = db.session.get(LedgerPublication, name)
    return SinkStatus(
        name=name,
        size=found.size if found else None,
        published_at=found.published_at if found else None,
        error=found.error if found else None,
    )
