"""Migrations: numbered, equal to the models, up and down with data in place."""

import json
import re
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from app import create_app
from app.database.partitions import is_partition
from app.extensions import db
from app.identifiers import new_id
from app.ledger.merkle import leaf_hash
from app.readiness import head_revision
from app.services import users
from app.services.proofs import entry_of
from app.services.sessions import end_session
from config import PROJECT
from tests.support.cast import GOOD_ROW, make_world
from tests.support.postgres import dispose, settings_for

FILES = sorted((PROJECT / "migrations/versions").glob("*.py"))


def test_migrations_are_numbered_and_named_in_words():
    for number, file in enumerate(FILES, start=1):
        assert re.fullmatch(rf"{number:04}_[a-z_]+\.py", file.name)
        text = file.read_text()
        assert f'revision = "{number:04}"' in text
        before = f'"{number - 1:04}"' if number > 1 else "None"
        assert f"down_revision = {before}" in text
    assert head_revision() == f"{len(FILES):04}"


@pytest.fixture
def empty_app(server, worker, tmp_path):
    app = create_app(settings_for(server.empty(f"migrations_{worker}"), tmp_path))
    yield app
    dispose(app)
    server.drop(f"migrations_{worker}")


def run(app, what, revision):
    with app.app_context():
        db.session.remove()
        what(str(PROJECT / "migrations"), revision)


def test_models_equal_migrations(fresh_app):
    with fresh_app.app_context():
        context = MigrationContext.configure(
            db.session.connection(),
            opts={
                "include_name": lambda name, kind, _: not (kind == "table" and is_partition(name)),
                "compare_server_default": True,
                "compare_type": True,
            },
        )
        assert compare_metadata(context, db.metadata) == []


def test_every_migration_goes_up_and_down_and_up_again(empty_app):
    for number in range(1, len(FILES) + 1):
        run(empty_app, upgrade, f"{number:04}")
        run(empty_app, downgrade, f"{number - 1:04}" if number > 1 else "base")
        run(empty_app, upgrade, f"{number:04}")


def test_going_all_the_way_down_leaves_nothing_behind(empty_app, server, worker):
    run(empty_app, upgrade, "head")
    run(empty_app, downgrade, "base")
    left = server.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname = 'public' AND relkind IN ('r', 'p', 'S', 'v', 'c') UNION ALL"
        " SELECT proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace"
        " WHERE nspname = 'public' UNION ALL"
        " SELECT typname FROM pg_type JOIN pg_namespace n ON n.oid = typnamespace"
        " WHERE nspname = 'public' AND typtype = 'e'",
        f"migrations_{worker}",
    )
    assert left == [("alembic_version",)]


def test_every_migration_goes_down_and_up_with_data_in_place(fresh_app):
    cast, client = fresh_app.extensions["cast"], fresh_app.test_client()
    url = "/api/v1/models/churn/predictions"
    for row in (GOOD_ROW, {}):
        client.post(url, json={"inputs": [row]}, headers=cast["owner"].bearer)
    with fresh_app.app_context():
        end_session(new_id())
        db.session.commit()
    for number in range(len(FILES) - 1, 0, -1):
        run(fresh_app, downgrade, f"{number:04}")
    run(fresh_app, upgrade, "head")
    with fresh_app.app_context():
        assert len(users.list_users()) == 5


def test_a_later_step_down_and_up_keeps_the_book(fresh_app):
    cast, client = fresh_app.extensions["cast"], fresh_app.test_client()
    url = "/api/v1/models/churn/predictions"

    def ask():
        return client.post(url, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)

    before = ask().get_json()["predictions"][0]["id"]
    run(fresh_app, downgrade, "0003")
    run(fresh_app, upgrade, "head")
    found = client.get(f"/api/v1/predictions/{before}", headers=cast["owner"].bearer)
    assert found.status_code == 200
    assert ask().status_code == 201


def test_a_book_that_is_begun_is_not_forgotten_by_a_downgrade(fresh_app):
    fresh_app.extensions["sealer"].seal_all()
    with pytest.raises(DBAPIError, match="the book would be lost"):
        run(fresh_app, downgrade, "0005")
    with fresh_app.app_context():
        assert db.session.scalar(text("SELECT size FROM ledger_head")) > 0


def test_what_was_recorded_before_there_was_a_ledger_is_sealed_too(fresh_app):
    cast, client = fresh_app.extensions["cast"], fresh_app.test_client()
    url = "/api/v1/models/churn/predictions"
    told = [
        client.post(url, json={"inputs": [row]}, headers=cast["owner"].bearer).get_json()
        for row in (GOOD_ROW, {}, GOOD_ROW)
    ]
    run(fresh_app, downgrade, "0005")
    run(fresh_app, upgrade, "head")
    with fresh_app.app_context():
        recorded = db.session.execute(
            text("SELECT id FROM predictions UNION ALL SELECT id FROM events")
        ).scalars()
        recorded = set(recorded)
        db.session.rollback()
    assert fresh_app.extensions["sealer"].seal_all() == len(recorded)
    with fresh_app.app_context():
        assert set(db.session.scalars(text("SELECT record_id FROM ledger_entries"))) == recorded
        first = told[0]["predictions"][0]
        entry = entry_of(UUID(first["id"]))
        assert leaf_hash(entry.envelope).hex() == first["leaf_hash"], "the receipt given then holds"


def test_the_release_before_records_while_it_is_not_yet_replaced(fresh_app):
    owner = fresh_app.extensions["cast"]["owner"]
    record_id, moment = str(new_id()), "2026-11-22T09:00:00Z"
    callers = [{"caller": 0, "actor_id": str(owner.id), "role": owner.role}]
    callers.append({"caller": 1, "actor_id": str(owner.id), "role": "nobody"})
    requests = [
        {"request": place, "caller": place, "request_id": str(new_id()), "received_at": moment,
         "actor_id": str(owner.id), "channel": "api", "status": "refused", "client_request_id": "theirs"}
        for place in (0, 1)
    ]  # fmt: skip
    records = [
        {"request": place, "id": known, "row": 0, "answered_at": moment, "inputs": [1], "leaf_hash": f"\\x{'7f' * 32}"}
        for place, known in enumerate((record_id, str(new_id())))
    ]  # fmt: skip
    key = {"caller": 0, "actor_id": str(owner.id), "request_id": requests[0]["request_id"]}
    keys = [key | {"key_sha256": "\\x00", "fingerprint": "\\x00"}]
    given = [json.dumps(part) for part in (callers, requests, records, keys)]
    call = "SELECT record_predictions(:a, CAST(:b AS json), CAST(:c AS json), CAST(:d AS json))"
    with fresh_app.app_context():
        assert db.session.scalar(text(call), dict(zip("abcd", given, strict=True))) == [1]
        assert db.session.execute(
            text("SELECT id::text, inputs::text, client_request_id FROM predictions")
        ).all() == [(record_id, "[1]", "theirs")]
        db.session.commit()


def test_upgrading_gives_the_rights_again_that_a_restore_has_lost(fresh_app, server, fresh_url):
    name = fresh_url.rpartition("?")[0].rpartition("/")[2]
    server.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM daybook_service", name)
    headers = fresh_app.extensions["cast"]["owner"].bearer
    client = fresh_app.test_client()
    url = "/api/v1/models/churn/predictions"
    assert client.post(url, json={"inputs": [GOOD_ROW]}, headers=headers).status_code == 500
    run(fresh_app, upgrade, "head")
    assert client.post(url, json={"inputs": [GOOD_ROW]}, headers=headers).status_code == 201


def test_the_people_survive_the_later_migrations(empty_app):
    run(empty_app, upgrade, "0001")
    insert = text(
        "INSERT INTO users (id, email, password, role, active, fs_uniquifier)"
        " VALUES (gen_random_uuid(), 'a@example.com', 'x', 'analyst', true, 'u')"
    )
    with empty_app.app_context():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        db.session.execute(insert)
        db.session.commit()
    run(empty_app, upgrade, "head")
    run(empty_app, downgrade, "0001")
    with empty_app.app_context():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        assert db.session.scalar(text("SELECT email FROM users")) == "a@example.com"


def test_a_migration_that_waits_for_a_lock_gives_up(empty_app):
    run(empty_app, upgrade, "0001")
    with empty_app.app_context():
        connection = db.engine.connect()
        connection.execute(text("SET LOCAL ROLE NONE"))
        connection.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
    try:
        with pytest.raises(Exception, match="lock timeout"):
            run(empty_app, upgrade, "0002")
    finally:
        connection.close()
    run(empty_app, upgrade, "head")


def test_a_login_that_may_not_make_roles_still_migrates_and_serves(server, worker, tmp_path):
    name = f"plain_{worker}"
    server.empty(name)
    server.execute(
        f"DO $$ BEGIN CREATE ROLE {name} LOGIN PASSWORD 'p'; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    )
    server.execute(f"ALTER DATABASE {name} OWNER TO {name}")
    url = f"postgres://{name}:p@/{name}?host={server.parameters['host']}"
    app = create_app(settings_for(url, tmp_path))
    try:
        run(app, upgrade, "head")
        with app.app_context():
            cast = make_world(tmp_path)
            assert db.session.scalar(text("SELECT current_user")) == name
        answer = app.test_client().post(
            "/api/v1/models/churn/predictions", json={"inputs": [GOOD_ROW]},
            headers=cast["owner"].bearer,
        )  # fmt: skip
        assert answer.status_code == 201
        with app.app_context(), pytest.raises(Exception, match="never changed"):
            db.session.execute(text("UPDATE predictions SET status = 'failed'"))
    finally:
        dispose(app)
        server.drop(name)


def test_the_schema_needs_no_extension(server, fresh_url):
    engine = create_engine(fresh_url.replace("postgresql://", "postgresql+psycopg2://"))
    with engine.connect() as connection:
        names = connection.scalars(text("SELECT extname FROM pg_extension")).all()
    engine.dispose()
    assert json.dumps(names) == '["plpgsql"]'
