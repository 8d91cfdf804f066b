"""A service with its own durable PostgreSQL, as `make serve` runs it, for tests that break things."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from flask_migrate import upgrade

from app import create_app
from app.database.connections import embedded_server
from benchmarks.processes import family
from config import EMBEDDED, PROJECT
from tests.faults.journal import Clients, Journal, check
from tests.support.cast import make_world
from tests.support.live import Live, live_server
from tests.support.postgres import dispose, settings_for

STORED = """
    SELECT reference, id::text, row, output::text, request_id::text FROM predictions
    WHERE status = 'accepted'"""


@dataclass(frozen=True, kw_only=True)
class House:
    """A furnished folder: database, cast, and model."""

    folder: Path
    headers: Mapping[str, str]

    @property
    def postgres(self):
        return embedded_server(settings_for(EMBEDDED, self.folder / "live"))

    def execute(self, statement: str) -> list[tuple]:
        """Run a statement as the database's owner, whatever became of the server before."""
        with closing(psycopg2.connect(**self.postgres.start())) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def postmaster(self) -> int:
        """The number of the database's first process."""
        return self.postgres.pid()

    def signal_database(self, number: int) -> None:
        """Send a signal to every process of the database, the first one first."""
        postmaster = self.postmaster()
        for pid in sorted(family(postmaster), key=lambda pid: pid != postmaster):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    @contextmanager
    def database_asleep(self) -> Iterator[None]:
        """Stop every process of the database for as long as this lasts."""
        self.signal_database(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal_database(signal.SIGCONT)

    @contextmanager
    def serve(self, url: str = EMBEDDED, **settings: str) -> Iterator[Live]:
        """Run the service; little is said in its log."""
        quiet = {"DAYBOOK_LOG_LEVEL": "ERROR", "WEB_CONCURRENCY": "2"}
        with live_server(url, self.folder, **(quiet | settings)) as live:
            yield live

    @contextmanager
    def asked(self, live: Live, count: int = 6) -> Iterator[Journal]:
        """Let clients ask while something is broken; then compare what they were told with the book."""
        journal = Journal()
        with Clients(journal, live.port, dict(self.headers), count):
            journal.wait_for_answers(2 * count)
            yield journal
        print(journal.summary())
        check(journal, self.execute(STORED))
        self._read_again(live, journal)

    def _read_again(self, live: Live, journal: Journal) -> None:
        """Every answer can be read, with its own leaf hash: a sample, for all were compared already."""
        answered = journal.answered()
        with live.session(dict(self.headers)) as session:
            for entry in answered[:: max(1, len(answered) // 100)]:
                for prediction in entry.predictions:
                    shown = session.request("GET", f"/api/v1/predictions/{prediction['id']}")
                    assert shown.status == 200, shown
                    assert shown.json()["leaf_hash"] == prediction["leaf_hash"]


@contextmanager
def furnished(folder: Path) -> Iterator[House]:
    """Set up database, cast and model; stop the database at the end."""
    (folder / "live").mkdir()
    settings = settings_for(EMBEDDED, folder / "live")
    app = create_app(settings)
    with app.app_context():
        upgrade(str(PROJECT / "migrations"))
        cast = make_world(folder)
    dispose(app)
    house = House(folder=folder, headers=cast["owner"].bearer)
    try:
        yield house
    finally:
        house.postgres.stop()
