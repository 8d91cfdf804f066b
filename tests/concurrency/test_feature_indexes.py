"""Indexes of fields: the planner uses them, whatever partitions there are, and they may be made again."""

from uuid import UUID

import pytest
from sqlalchemy import text

from app.access import OPERATOR
from app.database.connections import connector
from app.extensions import db
from app.models import Prediction
from app.services import feature_indexes, search
from app.services.errors import ConflictError, UnknownThingError
from app.services.history import fitting
from tests.support.asking import ask
from tests.support.cast import churn_estimator, customers, register, write_model
from tests.support.history import record_some


@pytest.fixture
def connect(fresh_app, cast):
    with fresh_app.app_context():
        record_some(fresh_app.test_client(), cast)
        db.session.execute(text("SELECT ensure_predictions_partition(now() - interval '40 days')"))
        db.session.commit()
        yield connector(fresh_app.extensions["settings"], as_owner=True)


def plan(query):
    asked = search.read_query(OPERATOR, query)
    found = fitting(db.select(Prediction.id), OPERATOR, asked).limit(50)
    compiled = found.compile(db.engine, compile_kwargs={"literal_binds": True})
    with db.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_sort = on")
        rows = connection.exec_driver_sql(f"EXPLAIN {str(compiled).replace('%', '%%')}").scalars()
        return " ".join(rows)


def indexed_partitions():
    """How many partitions have the index of a field."""
    counted = "SELECT count(*) FROM pg_inherits JOIN pg_class p ON p.oid = inhparent WHERE p.relname LIKE 'ix\\_field%'"
    return db.session.scalar(text(counted))


def found(query):
    statement = fitting(db.select(Prediction.id), OPERATOR, search.read_query(OPERATOR, query))
    return set(db.session.scalars(statement))


@pytest.mark.parametrize(
    ("field", "query"),
    [("age", "model:churn age:>61"), ("probability.yes", "model:churn probability.yes:<0.5")],
)
def test_a_search_by_an_indexed_field_uses_the_index_in_every_partition(
    connect, cast, fresh_app, field, query
):
    before = found(query)
    assert before
    assert "ix_field_" not in plan(query)
    assert len(list(feature_indexes.index_field(connect, "churn", field))) == 2
    assert "ix_field_" in plan(query)
    assert indexed_partitions() == 2
    (index,) = feature_indexes.indexed_fields(connect)
    assert (index.field, index.models) == (field, ("churn",))
    assert found(query) == before
    ask(fresh_app, cast["owner"], rows=3)
    db.session.execute(text("SELECT ensure_predictions_partition(now() + interval '40 days')"))
    db.session.commit()
    assert len(list(feature_indexes.index_field(connect, "churn", field))) == 3
    assert "ix_field_" in plan(query)
    assert indexed_partitions() == 3
    feature_indexes.drop_index(connect, "churn", field)
    assert "ix_field_" not in plan(query)


def test_an_index_that_was_interrupted_is_finished(connect):
    making = feature_indexes.index_field(connect, "churn", "age")
    next(making)
    making.close()
    assert len(list(feature_indexes.index_field(connect, "churn", "AGE"))) == 2
    assert indexed_partitions() == 2


@pytest.mark.parametrize(
    ("model", "field", "error", "words"),
    [
        ("nothing", "age", UnknownThingError, "no model nothing"), ("churn", "agee", UnknownThingError, "Did you mean age?"),
        ("churn", "country", ConflictError, "only numbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_indexed_is_refused(connect, model, field, error, words):
    with pytest.raises(error, match=words):
        list(feature_indexes.index_field(connect, model, field))


def test_an_index_that_there_is_not_cannot_be_dropped(connect):
    with pytest.raises(UnknownThingError, match="no index of age"):
        feature_indexes.drop_index(connect, "churn", "age")


def test_an_index_is_of_all_models_that_have_the_field(connect, cast, fresh_app, tmp_path):
    list(feature_indexes.index_field(connect, "churn", "age"))
    data = customers()
    register(write_model(tmp_path, churn_estimator(data), data, "other"), "other")
    fresh_app.extensions["runtimes"].forget()
    answer = fresh_app.test_client().post(
        "/api/v1/models/other/predictions",
        json={"inputs": [{"age": age, "visits": 3, "country": "FR"} for age in (20.0, 75.0)]},
        headers=cast["owner"].bearer,
    )
    old, new = (UUID(one["id"]) for one in answer.get_json()["predictions"])
    queries = ("age:>61", "-age:>61", "has:age", "-has:age", "model:other age:>61")
    before = {query: found(query) for query in queries}
    assert new in before["age:>61"] - before["-age:>61"]
    assert old in before["-age:>61"] - before["age:>61"]
    assert "ix_field_" not in plan("age:>61"), "the index is of one model yet"
    db.session.rollback()  # Who reads keeps an index from being dropped.
    list(feature_indexes.index_field(connect, "other", "age"))
    (index,) = feature_indexes.indexed_fields(connect)
    assert (index.field, index.models) == ("age", ("churn", "other"))
    for query in ("age:>61", "model:churn age:>61"):
        assert "ix_field_" in plan(query), query
    assert {query: found(query) for query in queries} == before
    db.session.rollback()
    feature_indexes.drop_index(connect, "churn", "age")
    assert feature_indexes.indexed_fields(connect) == []
    assert db.session.scalar(text("SELECT count(*) FROM pg_statistic_ext")) == 0
