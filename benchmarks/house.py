"""Everything that is measured here, set up afresh: a database that keeps its word, two models, three servers."""

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from sklearn.datasets import load_breast_cancer

from app.database.embedded import EmbeddedPostgres
from app.identifiers import new_id
from benchmarks import train
from benchmarks.load import Target
from benchmarks.processes import Server, wait_for
from config import PROJECT

HOST = "127.0.0.1"
MODELS = ("logreg", "forest")
WORKERS = 2
_USER = "bench@example.com"
_GRANIAN = ["--interface", "wsgi", "--factory", "--workers", str(WORKERS), "--blocking-threads", "16",
            "--loop", "asyncio", "--no-ws", "--log-level", "error"]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class House:
    """What is set up in one folder.

    Attributes:
        folder: where everything is.
        url: the database.
        postgres: the number of its first process.
        token: lets a program predict.
    """

    folder: Path
    url: str
    postgres: int
    token: str

    def environment(self, port: int = 8000) -> dict[str, str]:
        """Return the environment of a server: Daybook's defaults, with a worker for each processor."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("DAYBOOK_")}
        own = {"DAYBOOK_HOME": str(self.folder / "home"), "DATABASE_URL": self.url,
               "SECRET_KEY": "nobody keeps anything in this database 0123456789",
               "DAYBOOK_LOG_LEVEL": "WARNING", "WEB_CONCURRENCY": str(WORKERS), "PORT": str(port),
               "MODELS": str(self.folder / "models"), "PYTHONPATH": str(PROJECT)}  # fmt: skip
        return inherited | own

    def daybook(self, port: int, **settings: str) -> subprocess.Popen[bytes]:
        """Start Daybook as it is served in production, with some settings."""
        return self._start([sys.executable, "manage.py", "serve"], port, settings)

    def plain(self, factory: str, port: int) -> subprocess.Popen[bytes]:
        """Start one of the applications of `benchmarks.plain` on the same server."""
        target = f"benchmarks.plain:{factory}"
        granian = str(Path(sys.executable).parent / "granian")
        return self._start([granian, *_GRANIAN, "--host", HOST, "--port", str(port), target], port)

    def connect(self) -> psycopg2.extensions.connection:
        """Return a connection of the database's owner."""
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        return connection

    @contextmanager
    def leaving_nothing(self) -> Iterator[None]:
        """Remove what waits to be sealed afterwards: Daybook would seal it while its own answers are measured."""
        first = str(new_id())
        yield
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM ledger_pending WHERE id >= %s", (first,))
            cursor.execute("VACUUM ledger_pending")

    def rows(self) -> list[dict[str, float]]:
        """Return real rows by field name."""
        with (self.folder / "rows.csv").open() as file:
            return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]

    def bodies(self) -> list[bytes]:
        """Return the requests that are sent in turn: real rows, one in each."""
        return [json.dumps({"inputs": [row]}).encode() for row in self.rows()[::9]]

    def target(self, model: str, port: int, server: Server) -> Target:
        """Return what to ask of a running Daybook."""
        return Target(
            server=server, url=f"http://{HOST}:{port}/api/v1/models/{model}/predictions",
            bodies=self.bodies(), headers=(f"Authorization: Bearer {self.token}",),
        )  # fmt: skip

    def _start(
        self, command: Sequence[str], port: int, settings: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        counts = self.folder / f"counts-{port}"
        counts.mkdir(exist_ok=True)
        environment = (
            self.environment(port)
            | {"PROMETHEUS_MULTIPROC_DIR": str(counts)}
            | dict(settings or {})
        )
        with (self.folder / f"server-{port}.log").open("wb") as log:
            return subprocess.Popen(
                command, cwd=PROJECT, env=environment, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip


@contextmanager
def furnished(folder: Path) -> Iterator[House]:
    """Set everything up in a folder of its own; stop the database at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "models").mkdir(parents=True)
    postgres = EmbeddedPostgres(folder)
    try:
        parameters = postgres.start()
        if (pid := postgres.pid()) is None:
            raise RuntimeError("the database ended")
        url = "postgresql://{user}:{password}@/{dbname}?host={host}".format(**parameters)
        yield _furnish(House(folder=folder, url=url, postgres=pid, token=""))
    finally:
        postgres.stop()


def _furnish(house: House) -> House:
    train.main("joblib", house.folder / "models")
    data = load_breast_cancer(as_frame=True).data
    data.columns = [name.replace(" ", "_") for name in data.columns]
    data.to_csv(house.folder / "rows.csv", index=False)
    _run(house, "manage.py", "db", "upgrade")
    _run(house, "manage.py", "users", "create", _USER, "--role", "analyst", "--password-stdin",
         given="correct horse battery staple")  # fmt: skip
    for model in MODELS:
        _run(house, "manage.py", "models", "register", str(house.folder / "models" / f"{model}.joblib"),
             "--name", model, "--data", str(house.folder / "rows.csv"), "--activate")  # fmt: skip
    _run(house, "-m", "benchmarks.plain")
    token = _run(house, "manage.py", "tokens", "create", "--user", _USER, "--name", "bench",
                 "--scope", "predict")  # fmt: skip
    return House(folder=house.folder, url=house.url, postgres=house.postgres, token=token.strip())


def _run(house: House, *arguments: str, given: str | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, env=house.environment(), input=given,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def own_targets(house: House) -> Iterator[Mapping[tuple[str, str], Target]]:
    """Serve Daybook and what it is measured against; give what to ask of each, by name and model."""
    with serving(house.daybook, "/readyz", house) as (daybook, daybook_port), \
         serving_plain("committed", house) as committed, \
         serving_plain("stored", house) as stored, \
         serving_plain("recorded", house) as recorded, \
         serving(lambda port: house.plain("tutorial", port), "/ready", house) as (tutorial, tutorial_port), \
         serving(lambda port: house.plain("constant", port), "/", house) as (constant, constant_port):  # fmt: skip
        targets = {("constant", ""): Target(server=constant, url=f"http://{HOST}:{constant_port}/")}
        targets["committed", "logreg"] = committed
        targets["stored", "logreg"] = stored
        targets["recorded", "logreg"] = recorded
        for model in MODELS:
            targets["daybook", model] = house.target(model, daybook_port, daybook)
            url = f"http://{HOST}:{tutorial_port}/{model}"
            targets["tutorial", model] = Target(server=tutorial, url=url, bodies=house.bodies())
        for target in targets.values():
            target.server.sleep()
        yield targets


@contextmanager
def serving_plain(factory: str, house: House) -> Iterator[Target]:
    """Serve the floor of an answer that is kept; give what to ask of it."""
    with serving(lambda port: house.plain(factory, port), "/ready", house) as (server, port):
        url = f"http://{HOST}:{port}/logreg"
        yield Target(server=server, url=url, bodies=house.bodies(), around=house.leaving_nothing)


@contextmanager
def serving(
    start: Callable[[int], subprocess.Popen[bytes]], path: str, house: House
) -> Iterator[tuple[Server, int]]:
    """Start a server on a free port and wait until it answers; stop it at the end."""
    port = free_port()
    server = Server(start(port), beside=[house.postgres])
    try:
        wait_for(server.process, f"http://{HOST}:{port}{path}")
        yield server, port
    finally:
        server.stop()
