"""A database that was restored is behind what was published: it is not sealed any more, and nothing is lost."""

import shutil
import subprocess
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from app import create_app
from app.database.embedded import EmbeddedPostgres
from app.extensions import db
from app.models import EventKind
from app.sealer.publishing import SplitViewError
from app.services.events import record_event
from tests.support.asking import ask
from tests.support.postgres import QUICK, dispose, migrate, settings_for


@pytest.fixture
def sink(tmp_path):
    folder = tmp_path / "sink"
    folder.mkdir()
    return folder


@contextmanager
def installed(url, home, sink):
    app = create_app(settings_for(url, home, DAYBOOK_CHECKPOINT_SINKS=str(sink)))
    try:
        with app.app_context():
            yield app
            db.session.remove()
    finally:
        dispose(app)


def refuses_to_seal(app, waiting: int) -> None:
    db.session.commit()
    with pytest.raises(SplitViewError, match="restored from a backup, or is a copy"):
        app.extensions["sealer"].seal()
    assert db.session.scalar(text("SELECT count(*) FROM ledger_pending")) == waiting


def test_from_a_dump(house, cast, server, worker, sink):
    dump, restored = house.folder / "dump", f"restored_{worker}"
    home = house.folder / "home"
    with installed(house.url, home, sink) as app:
        ask(app, cast["owner"])
        app.extensions["sealer"].seal_all()
        run(server, "pg_dump", "--format=custom", f"--file={dump}", house.url)
        ask(app, cast["owner"], rows=3)
        app.extensions["sealer"].seal_all()
    url = server.empty(restored)
    run(server, "pg_restore", f"--dbname={url}", dump)
    migrate(url)
    try:
        with installed(url, home, sink) as app:
            ask(app, cast["owner"], rows=9)
            refuses_to_seal(app, waiting=9)
    finally:
        server.drop(restored)


def test_a_dump_of_now_is_sealed_on(house, cast, server, worker, sink, capsys):
    dump, restored = house.folder / "dump", f"restored_{worker}"
    with installed(house.url, house.folder / "home", sink) as app:
        ask(app, cast["owner"])
        app.extensions["sealer"].seal_all()
        ask(app, cast["owner"])  # It waits, and the dump has it.
    run(server, "pg_dump", "--format=custom", f"--file={dump}", house.url)
    url = server.empty(restored)
    run(server, "pg_restore", f"--dbname={url}", dump)
    migrate(url)
    try:
        with installed(url, house.folder / "home", sink) as app:
            assert app.extensions["sealer"].seal_all() == 616
        assert (
            house.verify(capsys, "database", url, "--key", house.key, "--checkpoint", house.held)[0]
            == 0
        )
    finally:
        server.drop(restored)


def run(server, program, *arguments) -> None:
    subprocess.run([server.binaries / program, *map(str, arguments)], check=True)


def test_from_a_copy_of_the_files(tmp_path, sink):
    """Taken while the server stood still, and put back after it had gone on."""
    home = tmp_path / "home"
    server = EmbeddedPostgres(home, options=QUICK)

    @contextmanager
    def running():
        given = server.start()
        try:
            yield "postgresql://{user}:{password}@/{dbname}?host={host}".format(**given)
        finally:
            server.stop()

    def live(app, events: int) -> None:
        for _ in range(events):
            record_event(EventKind.SIGNED_IN, actor_id=None)
        db.session.commit()

    with running() as url:
        migrate(url)
        with installed(url, home, sink) as app:
            live(app, 2)
            app.extensions["sealer"].seal_all()
    data, copy = server.folder / "data", server.folder / "copy"
    subprocess.run(["cp", "-a", data, copy], check=True)
    with running() as url, installed(url, home, sink) as app:
        live(app, 3)
        app.extensions["sealer"].seal_all()
    shutil.rmtree(data)
    copy.rename(data)
    with running() as url, installed(url, home, sink) as app:
        live(app, 9)
        refuses_to_seal(app, waiting=9)
    shutil.rmtree(server.folder)
