"""A running service in a process of its own, and a small client for it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config import PROJECT
from tests.support.postgres import SECRET


class NotJSONError(AssertionError):
    """An answer that should be JSON is none."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    def json(self):
        try:
            return json.loads(self.body)
        except json.JSONDecodeError:
            raise NotJSONError(self) from None


class Session:
    """One keep-alive connection."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = headers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        self._connection.request(method, path, body, self._headers | headers)
        response = self._connection.getresponse()
        return Answer(response.status, response.read(), dict(response.getheaders()))

    def post(self, path: str, json) -> Answer:
        import orjson

        return self.request(
            "POST", path, orjson.dumps(json), **{"Content-Type": "application/json"}
        )


class Live:
    """A service that listens on a port of this machine."""

    def __init__(self, port: int, process: subprocess.Popen, folder: Path, log: Path) -> None:
        self.port, self.process, self.folder, self._log = port, process, folder, log
        self.url = f"http://127.0.0.1:{port}"

    def session(self, headers: dict[str, str] | None = None) -> Session:
        return Session(self.port, headers or {})

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        with self.session(headers) as session:
            return session.request("GET", path)

    def log(self) -> str:
        return self._log.read_text()

    def is_ready(self) -> bool:
        try:
            return self.get("/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def stop(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


def children(pid: int) -> list[int]:
    """The living workers of a server, or of another process its children."""
    found = subprocess.run(
        ["ps", "-ww", "-o", "pid=,stat=,args=", "--ppid", str(pid)], capture_output=True, text=True
    )
    lines = [line.split(maxsplit=2) for line in found.stdout.splitlines()]
    return [
        int(number) for number, state, command in lines
        if not state.startswith("Z") and "ps -ww" not in command and "resource_tracker" not in command
    ]  # fmt: skip


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def live_server(
    url: str,
    folder: Path,
    command: list[str] | None = None,
    port: int | None = None,
    **settings: str,
) -> Iterator[Live]:
    """Run the service on a database; by default with `manage.py serve`."""
    port = port or free_port()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("DAYBOOK_")}
    environment = inherited | {
        "DAYBOOK_ENV": "test",
        "DAYBOOK_HOME": str(folder / "live"),
        "DATABASE_URL": url,
        "SECRET_KEY": SECRET,
        "PORT": str(port),
        "DAYBOOK_LOG_FORMAT": "json",
    }
    (folder / "live").mkdir(exist_ok=True)
    log = folder / "serve.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command or [sys.executable, "manage.py", "serve"],
            cwd=PROJECT, env=environment | settings, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
        live = Live(port, process, folder / "live", log)
        try:
            _wait(live)
            yield live
        finally:
            if process.poll() is None:
                live.stop()


def _wait(live: Live, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not live.is_ready():
        if live.process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"the service did not start:\n{live.log()}")
        time.sleep(0.05)
