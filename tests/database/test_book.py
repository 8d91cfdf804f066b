"""The book: append-only for everyone, and never without a partition."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import identifiers
from app.database.partitions import ensure_partitions_ahead
from app.extensions import db
from tests.support.cast import GOOD_ROW

URL = "/api/v1/models/churn/predictions"


def ask(app):
    headers = app.extensions["cast"]["owner"].bearer
    return app.test_client().post(URL, json={"inputs": [GOOD_ROW]}, headers=headers)


def partitions(app):
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'predictions'::regclass ORDER BY 1"
    with app.app_context():
        return list(db.session.scalars(text(query)))


def refused(app, statement, words, owner=True):
    with app.app_context():
        if owner:
            db.session.execute(text("SET LOCAL ROLE NONE"))
        with pytest.raises(DBAPIError, match=words):
            db.session.execute(text(statement))
        db.session.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET status = 'failed'", "DELETE FROM {}", "TRUNCATE {}",
        "INSERT INTO {0} SELECT * FROM {0} ON CONFLICT (id) DO UPDATE SET status = 'failed'",
    ],
)  # fmt: skip
def test_changing_the_book_is_refused_for_its_owner_too(fresh_app, statement):
    assert ask(fresh_app).status_code == 201
    month = f"predictions_{datetime.now(UTC):%Y_%m}"
    for table in ("predictions", month):
        refused(fresh_app, statement.format(table), "never changed")


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET kind = 'x'", "DELETE FROM events", "TRUNCATE events"]
)
def test_changing_events_is_refused_for_their_owner_too(fresh_app, statement):
    refused(fresh_app, statement, "never changed")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE predictions SET status = 'failed'", "DELETE FROM predictions", "TRUNCATE predictions",
        "DELETE FROM events", "DELETE FROM artifacts", "DELETE FROM users",
        "UPDATE model_versions SET number = 7", "ALTER TABLE predictions DISABLE TRIGGER ALL",
        "DROP TABLE predictions", "CREATE TABLE mine (a int)",
        "SET session_replication_role = replica",
    ],
)  # fmt: skip
def test_the_service_has_no_right_to_change_the_book(fresh_app, statement):
    refused(fresh_app, statement, "permission denied|must be owner", owner=False)


def test_the_service_works_as_its_own_role(fresh_app):
    with fresh_app.app_context():
        assert db.session.scalar(text("SELECT current_user")) == "daybook_service"


def test_partitions_are_made_ahead(fresh_app):
    with fresh_app.extensions["begin"]() as cursor:
        ensure_partitions_ahead(cursor, datetime(2031, 11, 20, tzinfo=UTC))
        ensure_partitions_ahead(cursor, datetime(2031, 11, 20, tzinfo=UTC))
    assert partitions(fresh_app)[-3:] == [
        "predictions_2031_11", "predictions_2031_12", "predictions_2032_01",
    ]  # fmt: skip


@pytest.mark.parametrize("years", [-3, 5])
def test_a_row_does_not_fail_for_want_of_a_partition(fresh_app, monkeypatch, years):
    then = datetime.now(UTC) + timedelta(days=365 * years)
    ns = int(then.timestamp() * 1e9)
    monkeypatch.setattr(identifiers.time, "time_ns", lambda: ns)
    answer = ask(fresh_app)
    assert answer.status_code == 201
    assert f"predictions_{then:%Y_%m}" in partitions(fresh_app)


def test_rows_around_midnight_of_the_month_go_to_their_months(fresh_app, monkeypatch):
    midnight = datetime(2027, 1, 1, tzinfo=UTC)
    for moment in (midnight - timedelta(milliseconds=1), midnight):
        ns = round(moment.timestamp() * 1000) * 1_000_000
        monkeypatch.setattr(identifiers.time, "time_ns", lambda ns=ns: ns)
        monkeypatch.setattr(identifiers, "_last", 0)
        assert ask(fresh_app).status_code == 201
    with fresh_app.app_context():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        for month in ("2026_12", "2027_01"):
            query = text(f"SELECT count(*) FROM predictions_{month} WHERE status = 'accepted'")
            assert db.session.scalar(query) == 1


def test_a_partition_has_the_indexes_and_triggers_of_the_book(fresh_app):
    with fresh_app.extensions["begin"]() as cursor:
        ensure_partitions_ahead(cursor, datetime(2031, 11, 20, tzinfo=UTC))
    with fresh_app.app_context():

        def count(query):
            return [
                db.session.scalar(text(query), {"t": t})
                for t in ("predictions", "predictions_2031_12")
            ]

        indexes = count("SELECT count(*) FROM pg_indexes WHERE tablename = :t")
        triggers = count("SELECT count(*) FROM pg_trigger WHERE tgrelid = CAST(:t AS regclass)")
    assert indexes == [8, 8]
    assert triggers == [3, 3]


def test_a_lookup_by_id_touches_one_partition(fresh_app):
    identifier = ask(fresh_app).get_json()["predictions"][0]["id"]
    with fresh_app.extensions["begin"]() as cursor:
        ensure_partitions_ahead(cursor, datetime(2031, 11, 20, tzinfo=UTC))
    with fresh_app.app_context():
        plan = "\n".join(
            db.session.scalars(text(f"EXPLAIN SELECT * FROM predictions WHERE id = '{identifier}'"))
        )
    assert plan.count("predictions_20") >= 1
    assert "predictions_2031" not in plan


def test_a_page_of_history_is_read_by_index(fresh_app):
    with fresh_app.app_context():
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(
            db.session.scalars(
                text("EXPLAIN SELECT * FROM predictions WHERE model_id = gen_random_uuid()"
                     " ORDER BY id DESC LIMIT 51")
            )
        )  # fmt: skip
    assert "Index Scan Backward" in plan
