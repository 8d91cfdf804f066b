"""How busy models are: today's count, the last 30 days, the usual latency.

Finished hours are counted once, in the background (`count_finished_hours`); a page adds the few
minutes since then. So no page counts the book.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, select, text

from app.extensions import db
from app.identifiers import first_id_at, time_of
from app.models import CountedHour, Prediction

DAYS = 30
_SETTLED = timedelta(minutes=10)  # No transaction lasts that long: the hour is complete by then.
_HOUR = timedelta(hours=1)
_RECENT = 100

_COUNTS = text("""
SELECT model_id, CAST(hour AT TIME ZONE 'UTC' AS date) AS day, sum(count) AS count
FROM prediction_counts
WHERE hour >= :since AND model_id IN :models AND status = 'accepted'
GROUP BY 1, 2
UNION ALL
SELECT model_id, CAST(received_at AT TIME ZONE 'UTC' AS date), count(*)
FROM predictions
WHERE id >= :tail AND model_id IN :models AND status = 'accepted'
GROUP BY 1, 2
""").bindparams(bindparam("models", expanding=True))

_LATENCY = text("""
SELECT m.id, percentile_cont(0.5) WITHIN GROUP (ORDER BY p.seconds)
FROM models m CROSS JOIN LATERAL (
    SELECT extract(epoch FROM answered_at - received_at) AS seconds FROM predictions
    WHERE model_id = m.id AND status = 'accepted' ORDER BY id DESC LIMIT :recent
) p WHERE m.id IN :models GROUP BY m.id
""").bindparams(bindparam("models", expanding=True))

_COUNT_HOUR = text("""
INSERT INTO prediction_counts (hour, model_id, status, count)
SELECT :hour, model_id, status, count(*) FROM predictions
WHERE id >= :first AND id < :next AND model_id IS NOT NULL GROUP BY model_id, status
ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, kw_only=True)
class Activity:
    """A model's answered rows by UTC day, the oldest first and today last, and its usual latency.

    `latency` is the median of the last answers, from arrival to commit's begin, in seconds; None if
    there are none.
    """

    by_day: Sequence[int]
    latency: float | None

    @property
    def today(self) -> int:
        """How many rows were answered today, in UTC."""
        return self.by_day[-1]


def activity_of(models: Sequence[UUID], now: datetime) -> dict[UUID, Activity]:
    """Return the activity of models over the last `DAYS` days."""
    if not models:
        return {}
    first_day = (now.astimezone(UTC) - timedelta(days=DAYS - 1)).date()
    since = datetime(first_day.year, first_day.month, first_day.day, tzinfo=UTC)
    tail = max(since, _counted_until() or since)
    rows = db.session.execute(
        _COUNTS, {"since": since, "tail": first_id_at(tail), "models": list(models)}
    )
    days = {model: [0] * DAYS for model in models}
    for model, day, count in rows:
        if 0 <= (index := (day - first_day).days) < DAYS:
            days[model][index] += int(count)
    latencies = {
        model: float(seconds)
        for model, seconds in db.session.execute(
            _LATENCY, {"models": list(models), "recent": _RECENT}
        )
    }
    return {m: Activity(by_day=days[m], latency=latencies.get(m)) for m in models}


def count_finished_hours(now: datetime) -> int:
    """Count the hours that are over and not counted yet; return how many had records.

    Hours in which nothing was recorded are skipped at once, however long the pause.
    """
    end = (now - _SETTLED).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start, counted = _counted_until() or datetime(1970, 1, 1, tzinfo=UTC), 0
    while (hour := _next_hour_with_records(start)) is not None and hour < end:
        start = hour + _HOUR
        bounds = {"hour": hour, "first": first_id_at(hour), "next": first_id_at(start)}
        db.session.execute(_COUNT_HOUR, bounds)
        counted += 1
    if _counted_until() != end:
        db.session.add(CountedHour(hour=end - _HOUR))
        db.session.flush()
    return counted


def _counted_until() -> datetime | None:
    latest = db.session.scalar(select(func.max(CountedHour.hour)))
    return latest and latest + _HOUR


def _next_hour_with_records(start: datetime) -> datetime | None:
    query = select(Prediction.id).where(Prediction.id >= first_id_at(start))
    identifier = db.session.scalar(query.order_by(Prediction.id).limit(1))
    if identifier is None:
        return None
    return time_of(identifier).replace(minute=0, second=0, microsecond=0)
