"""What the operator's machines ask."""

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.extensions import db
from app.version import VERSION
from config import Environment
from tests.support.cast import GOOD_ROW


def as_owner():
    """Leave the service's role, which may not do what these tests need, until the rollback."""
    db.session.execute(text("SET LOCAL ROLE NONE"))


def test_livez_answers_without_the_database(client, monkeypatch):
    monkeypatch.setattr(db.session, "execute", None)
    assert client.get("/livez").status_code == 200


def test_readyz_is_ready_when_everything_is(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ready", "failing": []}


def test_readyz_fails_when_an_active_model_does_not_load(app, client):
    with app.app_context():
        as_owner()
        db.session.execute(text("ALTER TABLE artifact_chunks DISABLE TRIGGER USER"))
        db.session.execute(text("DELETE FROM artifact_chunks"))
        db.session.commit()
    for file in (app.extensions["settings"].home / "artifacts").glob("*"):
        file.unlink()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["failing"] == ["active models"]


def test_readyz_fails_when_migrations_are_missing(app, client):
    with app.app_context():
        as_owner()
        db.session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        db.session.commit()
    assert client.get("/readyz").get_json()["failing"] == ["migrations"]


def test_readyz_fails_when_the_database_is_away(app, client, monkeypatch):
    from sqlalchemy.exc import OperationalError

    def away(*_, **__):
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(db.session, "execute", away)
    assert client.get("/readyz").get_json()["failing"] == ["database"]


def test_version_is_bare_text(client):
    answer = client.get("/version")
    assert answer.text == VERSION
    assert answer.content_type.startswith("text/plain")


def test_metrics_count_predictions_by_model_and_status(client, cast):
    line = 'daybook_predictions_total{model="churn",status="accepted"}'
    before = _value(client, line)
    client.post(
        "/api/v1/models/churn/predictions", json={"inputs": [GOOD_ROW] * 3},
        headers=cast["owner"].bearer,
    )  # fmt: skip
    assert _value(client, line) == before + 3


def _value(client, line):
    for found in client.get("/metrics").text.splitlines():
        if found.startswith(line):
            return float(found.rpartition(" ")[2])
    return 0


@pytest.mark.parametrize(
    ("given", "status"), [(None, 401), ("Bearer wrong", 401), ("Bearer right-token", 200)]
)
def test_metrics_ask_for_their_token(app, client, monkeypatch, given, status):
    settings = app.extensions["settings"]
    changed = settings.model_copy(update={"metrics_token": SecretStr("right-token")})
    monkeypatch.setitem(app.extensions, "settings", changed)
    headers = {"Authorization": given} if given else {}
    assert client.get("/metrics", headers=headers).status_code == status


def test_production_shows_no_metrics_without_a_token(app, client, monkeypatch):
    settings = app.extensions["settings"]
    monkeypatch.setitem(
        app.extensions,
        "settings",
        settings.model_copy(update={"environment": Environment.PRODUCTION}),
    )
    assert client.get("/metrics").status_code == 401


def test_metrics_tell_of_the_ledger(app, client, cast):
    from tests.support.asking import ask

    with app.app_context():
        ask(app, cast["owner"], rows=2)

    def told(name):
        lines = client.get("/metrics").text.splitlines()
        (line,) = [line for line in lines if line.startswith(f"daybook_ledger_{name} ")]
        return float(line.split()[1])

    assert told("pending") >= 2
    assert told("oldest_pending_seconds") > 0
    size = app.extensions["sealer"].seal_all()
    assert (told("pending"), told("size"), told("set_aside"), told("oldest_pending_seconds")) == (
        0,
        size,
        0,
        0,
    )
