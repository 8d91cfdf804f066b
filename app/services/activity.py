"""How busy models are: today's count, the last 30 days, the usual latency.

Finished spans of five minutes are counted once, in the background (`count_finished_spans`); a page
adds the few minutes since then. So no page counts the book.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.identifiers import first_id_at, time_of
from app.models import CountedUntil, Prediction

DAYS = 30
_SPAN = timedelta(minutes=5)
_SETTLED = timedelta(minutes=2)  # No transaction lasts that long: a span is complete by then.
_AT_ONCE = 1000
_RECENT = 100

_COUNTS = text("""
SELECT model_id, CAST(start AT TIME ZONE 'UTC' AS date) AS day, sum(count) AS count
FROM prediction_counts
WHERE start >= :since AND model_id IN :models AND status = 'accepted'
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

_COUNT_SPAN = text("""
INSERT INTO prediction_counts (start, model_id, status, count)
SELECT :start, model_id, status, count(*) FROM predictions
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


def count_finished_spans(now: datetime) -> int:
    """Count the spans that are over and not counted yet; return how many had records.

    Time in which nothing was recorded is skipped at once, however long the pause. Of a long backlog
    one call counts a part, so that its transaction stays short.
    """
    end, begin = _floor(now - _SETTLED), _counted_until() or datetime(1970, 1, 1, tzinfo=UTC)
    counted = 0
    while counted < _AT_ONCE and (start := _next_span_with_records(begin)) and start < end:
        begin = start + _SPAN
        bounds = {"start": start, "first": first_id_at(start), "next": first_id_at(begin)}
        db.session.execute(_COUNT_SPAN, bounds)
        counted += 1
    _note_counted_until(begin if counted == _AT_ONCE else max(begin, end))
    return counted


def _note_counted_until(moment: datetime) -> None:
    db.session.execute(insert(CountedUntil).values(moment=moment).on_conflict_do_nothing())


def _counted_until() -> datetime | None:
    return db.session.scalar(select(func.max(CountedUntil.moment)))


def _next_span_with_records(begin: datetime) -> datetime | None:
    query = select(Prediction.id).where(Prediction.id >= first_id_at(begin))
    identifier = db.session.scalar(query.order_by(Prediction.id).limit(1))
    return None if identifier is None else _floor(time_of(identifier))


def _floor(moment: datetime) -> datetime:
    return moment - (moment - datetime(1970, 1, 1, tzinfo=UTC)) % _SPAN
