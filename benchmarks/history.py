"""The history at size: two years of records of five models, and what pages and searches of them take in the database."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from app import create_app
from app.access import OPERATOR
from app.database.connections import connector
from app.extensions import db
from app.identifiers import first_id_at
from app.models import Prediction
from app.services import feature_indexes, overview, search
from app.services.errors import InvalidQueryError
from app.services.history import PAGE, PATIENCE_MS, bounded, fitting
from benchmarks.house import House
from benchmarks.parts import settings_of

_MONTHS, _MODELS = 24, 5
_TIMES, _LONGEST_MS = 20, 3_000

_REGISTER = """
WITH made AS (
    INSERT INTO models (id, name, title, restricted)
    SELECT gen_random_uuid(), 'model-' || n, 'Model ' || n, false FROM generate_series(0, %s - 1) n RETURNING id)
INSERT INTO model_versions (model_id, number, artifact_sha256, signature, environment_sha256, metrics, plan, registered_by)
SELECT made.id, 1, artifact_sha256, signature, environment_sha256, metrics, plan, registered_by
FROM made, model_versions v JOIN models m ON m.id = v.model_id WHERE m.name = 'logreg' AND v.number = 1
"""
_MONTH = """
SELECT first, least(date_trunc('month', first + interval '32 days'), now()) - interval '1 minute' - first
FROM (SELECT date_trunc('month', now()) - make_interval(months => %s) AS first) months
"""
#: Real records under new identifiers, spread evenly over a month and the models; one of their numbers is new.
_FILL = """
WITH few AS MATERIALIZED (
    SELECT *, row_number() OVER () - 1 AS place FROM (SELECT * FROM predictions WHERE model = 'logreg' LIMIT 500) real),
moments AS (
    SELECT n, %(first)s::timestamptz + %(length)s * (n::float8 / %(count)s) AS at FROM generate_series(0, %(count)s - 1) n),
kinds AS (SELECT array_agg(id ORDER BY name) AS ids FROM models WHERE name LIKE 'model-_')
INSERT INTO predictions (id, request_id, row, received_at, answered_at, actor_id, channel, model_id, model,
    model_version, artifact_sha256, environment_sha256, status, inputs, inputs_salt, inputs_commitment,
    output, output_salt, output_commitment)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || right(replace(gen_random_uuid()::text, '-', ''), 3) || '8' || right(replace(gen_random_uuid()::text, '-', ''), 15))::uuid,
    gen_random_uuid(), 0, at, at + interval '5 milliseconds', actor_id, channel, ids[1 + n %% array_length(ids, 1)],
    'model-' || n %% array_length(ids, 1), 1, artifact_sha256, environment_sha256, status,
    regexp_replace(inputs::text, '"mean_radius":[0-9.]+', '"mean_radius":' || round((7 + 21 * random())::numeric, 5))::json,
    inputs_salt, inputs_commitment, output, output_salt, output_commitment
FROM moments JOIN few ON place = n %% 500, kinds
"""


def measured(
    house: House, connection: Any, *, sizes: tuple[int, ...]
) -> dict[str, dict[str, float]]:
    """Grow the history to each size; return the milliseconds of each question, at the last size also with an index."""
    found, before = {}, 0
    with connection.cursor() as cursor:
        cursor.execute(_REGISTER, (_MODELS,))
    with _application(house) as owner:
        for size in sizes:
            _grow(connection, size - before)
            found[f"{size:,}"] = _pages() | _searches() | _overview()
            before = size
        list(feature_indexes.index_field(owner, "model-0", "mean_radius"))
        found[f"{before:,}, mean_radius indexed"] = _searches()
    return found


@contextmanager
def _application(house: House) -> Iterator[Callable[[], Any]]:
    app = create_app(settings_of(house))
    with app.app_context():
        yield connector(app.extensions["settings"], as_owner=True)
    app.extensions["recorder"]._book.close()


def _grow(connection: Any, count: int) -> None:
    with connection.cursor() as cursor:
        for month in range(_MONTHS):
            cursor.execute(_MONTH, (month,))
            first, length = cursor.fetchone()
            cursor.execute("SELECT ensure_predictions_partition(%s)", (first,))
            cursor.execute(_FILL, {"first": first, "length": length, "count": count // _MONTHS})
        cursor.execute("VACUUM ANALYZE predictions")


def _pages() -> dict[str, float]:
    year_ago = first_id_at(datetime.now(UTC) - timedelta(days=365))
    return {
        "a page, the newest": _page(""),
        "a page, a year back": _page("", year_ago),
        "a page of one model": _page("model:model-0"),
        "a page of one model, a year back": _page("model:model-0", year_ago),
    }


def _searches() -> dict[str, float]:
    month = f"model:model-0 at:>={datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}"
    return {
        "a frequent value, of all of a model": _page("model:model-0 mean_radius:>20"),
        "a rare value, of 30 days of a model": _page(f"{month} mean_radius:>27.99"),
        "a rare value, of all of a model": _page("model:model-0 mean_radius:>27.999"),
        "a value that is not there, of 30 days of a model": _page(f"{month} mean_radius:>99"),
        "a value that is not there, of all of a model": _page("model:model-0 mean_radius:>99"),
        "a rare value, of all models": _page("mean_radius:>27.999"),
        "a value that is not there, of all models": _page("mean_radius:>99"),
    }


def _page(query: str, before: UUID | None = None) -> float:
    """Return what PostgreSQL takes for a page of a query, planning included; as long as is waited, if it takes longer."""
    statement = fitting(select(Prediction), OPERATOR, search.read_query(OPERATOR, query)).limit(
        PAGE + 1
    )
    if before is not None:
        statement = statement.where(Prediction.id < before)
    compiled = statement.compile(db.engine, compile_kwargs={"literal_binds": True})
    try:
        return _median(lambda: _milliseconds_of(str(compiled)))
    except InvalidQueryError:
        return float(PATIENCE_MS)


def _milliseconds_of(statement: str) -> float:
    explained = text(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}".replace(":", "\\:"))
    ((plan,),) = bounded(explained, PATIENCE_MS)
    return float(plan[0]["Planning Time"] + plan[0]["Execution Time"])


def _overview() -> dict[str, float]:
    def milliseconds() -> float:
        began = time.perf_counter()
        overview.overview(OPERATOR, "model:model-0")
        return (time.perf_counter() - began) * 1000

    return {"an overview of the newest 10,000 of a model, with Python": _median(milliseconds)}


def _median(ask: Callable[[], float]) -> float:
    """Return the median of some runs; fewer runs where they are long."""
    times: list[float] = []
    while len(times) < _TIMES and sum(times) < _LONGEST_MS:
        times.append(ask())
        db.session.rollback()
    return median(times)
