"""PostgreSQL for tests: one server for all test processes, a migrated template, quick clones."""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from flask_migrate import upgrade

from app import create_app
from app.database.binaries import major_version, packaged_binaries
from app.database.embedded import EmbeddedPostgres
from config import PROJECT, Settings

QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
SECRET = "a secret for tests that is long enough 0123456789"


def system_binaries() -> Path | None:
    """The oldest PostgreSQL of the system, as Debian and its relatives install it."""
    found = [p for p in Path("/usr/lib/postgresql").glob("*/bin") if (p / "initdb").exists()]
    return min(found, key=lambda path: int(path.parent.name), default=None)


class Server:
    """A running server and its clones of the migrated template."""

    def __init__(self, kind: str) -> None:
        memory = Path("/dev/shm")
        place = memory if memory.is_dir() else Path(tempfile.gettempdir())
        project = hashlib.sha256(str(PROJECT).encode()).hexdigest()[:8]
        binaries = self.binaries = system_binaries() if kind == "system" else packaged_binaries()
        self.home = place / f"daybook-tests-{major_version(binaries)}-{kind}-{project}"
        self._postgres = EmbeddedPostgres(self.home, binaries=binaries, options=QUICK)
        self.parameters = self._postgres.start()

    def stop(self) -> None:
        data = self._postgres.folder
        if self._postgres.stop():
            shutil.rmtree(data)
            shutil.rmtree(self.home)

    def url(self, database: str) -> str:
        p = self.parameters
        return f"postgresql://{p['user']}:{p['password']}@/{database}?host={p['host']}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        connection = psycopg2.connect(**(self.parameters | {"dbname": database}))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def clone(self, name: str, template: str | None = None) -> str:
        """Make a copy of a database, by default of an empty migrated one; return its address."""
        template = template or self._template()
        self.drop(name)
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def empty(self, name: str) -> str:
        self.drop(name)
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _template(self) -> str:
        """Migrate once for each state of the migrations, whichever test process comes first."""
        sources = sorted((PROJECT / "migrations").rglob("*.py"))
        sources.append(PROJECT / "app/database/rights.py")
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
        name = f"template_{digest}"
        with _locked(self.home / "template.lock"):
            if not self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
                self.empty("template_draft")
                migrate(self.url("template_draft"))
                self.execute(f"ALTER DATABASE template_draft RENAME TO {name}")
        return name


def settings_for(url: str, home: Path, **changes: object) -> Settings:
    values = {
        "DAYBOOK_ENV": "test",
        "DAYBOOK_HOME": str(home),
        "DATABASE_URL": url,
        "SECRET_KEY": SECRET,
        "DAYBOOK_LOG_LEVEL": "CRITICAL",
        "DAYBOOK_SIGN_IN_LIMIT": "1000 per minute",
    }
    return Settings.model_validate(values | changes)


def migrate(url: str, revision: str = "head") -> None:
    app = create_app(settings_for(url, Path(tempfile.gettempdir())))
    with app.app_context():
        upgrade(str(PROJECT / "migrations"), revision)
    dispose(app)


def dispose(app) -> None:
    """Close the connections of an application, so that its database can be dropped."""
    from app.extensions import db

    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    app.extensions["recorder"]._book.close()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def skip_without(kind: str) -> None:
    if kind == "system" and system_binaries() is None:
        pytest.skip("this system has no PostgreSQL of its own")
