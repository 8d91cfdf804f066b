"""Retention: whole months are dropped when they are old enough; their leaves stay, and one says that they went."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from psycopg2.errors import LockNotAvailable
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from app.database.transactions import unhurried
from app.extensions import db
from app.identifiers import first_id_at
from app.models import Notice, NoticeKind
from app.services.erasure import HOLDS_STAND_STILL
from app.services.errors import ConflictError, HeldError, NotSealedError
from app.services.notices import record_notice

PATIENCE_MS = 5_000
_COUNT = """
SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM ledger_entries e WHERE e.record_id = p.id))
            + (SELECT count(*) FROM (
                SELECT id, prediction_id FROM outcomes UNION ALL SELECT id, prediction_id FROM reviews) AS belongings
               WHERE prediction_id >= :first AND prediction_id < :until
                   AND NOT EXISTS (SELECT FROM ledger_entries e WHERE e.record_id = belongings.id)),
       (SELECT count(*) FROM legal_holds h WHERE h.lifted_at IS NULL AND EXISTS (
            SELECT FROM predictions x WHERE x.id >= :first AND x.id < :until
                AND (x.id = h.prediction_id OR x.subject = h.subject)))
FROM predictions p WHERE id >= :first AND id < :until
"""
_MONTHS = """
SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'predictions'::regclass ORDER BY 1
"""


@dataclass(frozen=True)
class Month:
    """A month of the book: a partition."""

    start: datetime

    @property
    def end(self) -> datetime:
        """When the next month begins."""
        year, month = divmod(self.start.month, 12)
        return self.start.replace(year=self.start.year + year, month=month + 1)

    @property
    def partition(self) -> str:
        """The name of its table."""
        return f"predictions_{self.start:%Y_%m}"


def months_to_drop(keep: int, now: datetime) -> list[Month]:
    """Return the months that are there and ended more than `keep` whole months ago, the oldest first."""
    names = db.session.scalars(text(_MONTHS)).all()
    months = [Month(datetime.strptime(name[-7:], "%Y_%m").replace(tzinfo=UTC)) for name in names]
    return [month for month in months if _age_in_months(month, now) > keep]


def drop_month(month: Month, *, keep: int, actor_id: UUID | None) -> Notice:
    """Drop a month's records with a notice that says so; return it. Other months are not touched.

    Args:
        month: which.
        keep: the policy: how many whole months are kept.
        actor_id: by whom; None for the schedule and the command line.

    Raises:
        NotSealedError: if something in it is not sealed yet.
        HeldError: if a legal hold keeps something in it.
        ConflictError: if the book is being read at length, by a verification or an export.
    """
    bounds = {"first": first_id_at(month.start), "until": first_id_at(month.end)}
    db.session.execute(HOLDS_STAND_STILL)
    with unhurried(db.session):
        count, unsealed, held = db.session.execute(text(_COUNT), bounds).one()
    if unsealed:
        raise NotSealedError(
            f"{month.partition}: {unsealed:,} records are not sealed; nothing was dropped."
        )
    if held:
        raise HeldError(f"{month.partition}: {held:,} legal holds forbid it; nothing was dropped.")
    notice = record_notice(
        NoticeKind.RETENTION, actor_id=actor_id, partition=month.partition, count=count, policy=f"P{keep}M",
        **{"from": str(bounds["first"]), "until": str(bounds["until"])},
    )  # fmt: skip
    _drop(month)
    return notice


def _drop(month: Month) -> None:
    """Drop the partition, unless that makes everybody wait for somebody who reads."""
    db.session.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_MS}ms'"))
    try:
        db.session.execute(select(func.drop_predictions_partition(month.partition)))
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        raise ConflictError(
            f"{month.partition}: somebody reads the book at length, a verification perhaps; nothing was dropped."
            " Try again later."
        ) from None


def retention_of(prediction_id: UUID) -> Notice | None:
    """Return the notice of the month that a record was dropped with, None if it was not."""
    what, identifier = Notice.what, str(prediction_id)
    query = select(Notice).where(
        Notice.kind == NoticeKind.RETENTION,
        what["from"].as_string() <= identifier,
        what["until"].as_string() > identifier,
    )
    return db.session.scalar(query.limit(1))


def _age_in_months(month: Month, now: datetime) -> int:
    return (now.year - month.start.year) * 12 + now.month - month.start.month
