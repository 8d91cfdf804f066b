"""Fixtures: a server for the run, a database for each process, a rolled-back transaction for each test."""

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from app import create_app
from app.extensions import db, limiter
from tests.support.book import RolledBackBook
from tests.support.cast import make_world, sign_in
from tests.support.postgres import Server, dispose, settings_for, skip_without

#: Pages, commands, APIs and protocols call what the others test, and have no SQL of their own.
FOLDERS = {
    "services": ["postgres"],
    "database": ["postgres"],
    "concurrency": ["postgres"],
    "process": ["process"],
    "browser": ["browser"],
    "faults": ["faults"],
}
_numbers = itertools.count(1)


def pytest_addoption(parser):
    parser.addoption(
        "--postgres",
        choices=["embedded", "system"],
        default="embedded",
        help="which PostgreSQL to test with: the packaged one, or the system's",
    )


def pytest_ignore_collect(collection_path, config):
    """Some take their time: they run when they are named, by `make faults` and `make mutants`."""
    slow = collection_path.name in ("faults", "mutation")
    if slow and not any(collection_path.name in name for name in config.args):
        return True
    return None


def pytest_collection_modifyitems(items):
    root = Path(__file__).parent
    for item in items:
        for mark in FOLDERS.get(item.path.relative_to(root).parts[0], []):
            item.add_marker(mark)


@pytest.fixture(scope="session")
def server(request) -> Iterator[Server]:
    kind = request.config.getoption("--postgres")
    skip_without(kind)
    server = Server(kind)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def cast(server, worker, tmp_path_factory):
    """The cast and their model, in a database that others are copied from."""
    app = create_app(settings_for(server.clone(f"cast_{worker}"), tmp_path_factory.mktemp("cast")))
    with app.app_context():
        members = make_world(tmp_path_factory.mktemp("models"))
    dispose(app)
    return members


@pytest.fixture(scope="session")
def cast_database(cast, server, worker):
    """The name of the database with the cast in it."""
    yield f"cast_{worker}"
    server.drop(f"cast_{worker}")


@pytest.fixture(scope="session")
def shared_app(server, worker, cast_database, tmp_path_factory):
    """One application for each test process, on a database of its own with the cast in it."""
    name = f"test_{worker}"
    url = server.clone(name, cast_database)
    app = create_app(settings_for(url, tmp_path_factory.mktemp("home")))
    app.testing = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    yield app
    dispose(app)
    server.drop(name)


@pytest.fixture
def app(shared_app):
    """The application in a transaction that is rolled back after the test."""
    with shared_app.app_context():
        engine = db.engine
        engines = db.engines
    connection = engine.connect()
    outer = connection.begin()
    connection.begin_nested()  # Without it, a rollback inside a view would empty the test.

    @contextlib.contextmanager
    def nested():
        with (
            connection.begin_nested(),
            contextlib.closing(connection.connection.cursor()) as cursor,
        ):
            yield cursor

    @contextlib.contextmanager
    def apart():
        """What has a connection of its own in service must not be undone with the session here."""
        db.session.commit()
        with nested() as cursor:
            yield cursor

    with shared_app.app_context():
        engines[None] = connection
    recorder, begin = shared_app.extensions["recorder"], shared_app.extensions["begin"]
    book = recorder._book
    recorder._book = RolledBackBook(connection)
    shared_app.extensions["begin"] = nested
    sealer = shared_app.extensions["sealer"]
    sealer._begin = nested
    limiter.storage._begin = apart
    shared_app.extensions["runtimes"].forget()
    shared_app.extensions["callers"].forget()
    try:
        yield shared_app
    finally:
        recorder._book = book
        shared_app.extensions["begin"] = limiter.storage._begin = sealer._begin = begin
        engines[None] = engine
        outer.rollback()
        connection.close()


@pytest.fixture
def context(app):
    """An application context, for tests that call services."""
    with app.app_context():
        yield app
        db.session.remove()


@pytest.fixture
def statements(app):
    """The statements that were sent, but for the savepoints that the tests are isolated by."""
    sent = []

    def note(*given):
        if given[2].lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            sent.append(given[2])

    with app.app_context():
        connection = db.engines[None]
    event.listen(connection, "before_cursor_execute", note)
    yield sent
    event.remove(connection, "before_cursor_execute", note)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def browser_of(app, cast):
    """Returns a client in which a member of the cast is signed in."""

    def make(who: str):
        client = app.test_client()
        sign_in(client, cast[who])
        return client

    return make


@pytest.fixture
def fresh_url(server, worker, cast_database) -> Iterator[str]:
    """The address of a database of this test's own with the cast in it, for real commits."""
    name = f"fresh_{worker}_{next(_numbers)}"
    yield server.clone(name, cast_database)
    server.drop(name)


@pytest.fixture
def fresh_app(fresh_url, cast, tmp_path):
    """An application on a database of its own, with the cast in it and real commits."""
    app = create_app(settings_for(fresh_url, tmp_path / "home"))
    app.testing = True
    app.extensions["cast"] = cast
    yield app
    dispose(app)
