"""Where the time of one answer goes: its parts, each by itself, with nobody else asking.

`python -m benchmarks.parts HOUSE` prints them, for a house in JSON: a process of its own, that counts as workers do.
"""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flask import Flask

from app import create_app
from app.ledger.strict_json import parse
from app.models import Channel, Role
from app.recorder import Attempt, LoadedVersion, Submitted
from app.recorder.scoring import make_all_records
from app.recorder.statements import RECORD, Batch
from app.recorder.tickets import Ticket
from benchmarks.house import HOST, House
from benchmarks.plain import constant
from config import PROJECT, Settings

_TIMES = 1_000
_PATH = "/api/v1/models/logreg/predictions"
_PLAIN = "INSERT INTO plain_prediction (model, inputs, output) VALUES ('logreg', %s, %s)"


def of_an_answer(house: House) -> dict[str, Any]:
    """Return the parts of an answer with one row: see `_parts`."""
    counts = house.folder / "counts-parts"
    counts.mkdir(exist_ok=True)
    known = asdict(house) | {"folder": str(house.folder)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.parts", json.dumps(known)],
        env=house.environment() | {"PROMETHEUS_MULTIPROC_DIR": str(counts)},
        cwd=PROJECT, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _parts(house: House) -> dict[str, Any]:
    """Return the median of each part in microseconds, and how many functions of Python the whole passes.

    The model is a logistic regression with 30 features.
    """
    app = create_app(settings_of(house))
    body = house.bodies()[0]
    whole = _caller_of(app, _request(house, body))
    whole()
    version: LoadedVersion = next(iter(app.extensions["runtimes"]._serving.values()))
    with closing(house.connect()) as connection, connection.cursor() as plainly:
        recording = _recording(app, plainly, version, body, _who(app, house.token))
    found = {
        "a route that returns a constant": _median(_caller_of(constant(), {"PATH_INFO": "/"})),
        "a route of ours that returns a constant": _median(
            _caller_of(app, {"PATH_INFO": "/livez"})
        ),
        **recording,
        "the whole answer": _median(whole),
    }
    functions, book = _functions_passed(whole), app.extensions["recorder"]._book
    book.call = _recorded_at_once
    found["the whole answer, without PostgreSQL"] = _median(whole)
    book.close()
    return {"microseconds": found, "functions": functions}


def _functions_passed(work: Callable[[], None]) -> int:
    """Return how many functions of Python are called in some work."""
    passed: list[tuple[str, str]] = []
    sys.setprofile(lambda frame, event, _: passed.append((event, frame.f_code.co_filename)))
    try:
        work()
    finally:
        sys.setprofile(None)
    return sum(event == "call" and file != __file__ for event, file in passed)


def _recorded_at_once(_: str, __: Any, work: Callable[[], None]) -> list[tuple[list[int]]]:
    """Record nothing, at once."""
    work()
    return [([],)]


def _recording(
    app: Flask, plainly: Any, version: LoadedVersion, body: bytes, who: tuple[Any, Any, Role]
) -> dict[str, float]:
    rows = version.runtime.validator.parse_json(parse(body)["inputs"])
    book = app.extensions["recorder"]._book

    def ticket() -> Ticket:
        actor, token, role = who
        attempt = Attempt(actor_id=str(actor), token_id=str(token), role=role, channel=Channel.API)
        work = Submitted(rows=rows, references=[None], subjects=[None])
        return Ticket(attempt=attempt, target=version, work=work, key=None, size=0, deadline=1e18)

    def made() -> Ticket:
        done = ticket()
        make_all_records([done])
        return done

    one = made()
    parts = (one.records or [])[0].parts
    plain = (parts["inputs"].decode(), parts["output"].decode())
    return {
        "read and validate the row": _median(
            lambda: version.runtime.validator.parse_json(parse(body)["inputs"])
        ),
        "score it": _median(lambda: version.runtime.score(rows)),
        "score it and make the record": _median(made),
        "write the statement's rows": _median(lambda: Batch([one]).to_record()),
        "record it in PostgreSQL": _median(book.call, RECORD, lambda: Batch([made()]).to_record()),
        "insert a plain row in PostgreSQL": _median(plainly.execute, _PLAIN, lambda: plain),
    }


def _median(
    work: Callable[..., Any], statement: str | None = None, given: Callable[[], Any] = lambda: None
) -> float:
    """Return the median of many runs, in microseconds; what is given to them is made before."""
    times = []
    for _ in range(_TIMES):
        arguments = () if statement is None else (statement, given())
        began = time.perf_counter()
        work(*arguments)
        times.append(time.perf_counter() - began)
    return sorted(times)[_TIMES // 2] * 1e6


def _caller_of(app: Flask, given: Mapping[str, Any]) -> Callable[[], None]:
    """Return what sends a request to an application, as the server would."""
    usual = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": HOST, "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": HOST, "HTTP_HOST": HOST, "wsgi.url_scheme": "http",
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False, "wsgi.errors": io.StringIO(),
    }  # fmt: skip

    def call() -> None:
        environ: dict[str, Any] = {
            **usual,
            **given,
            "wsgi.input": io.BytesIO(given.get("body", b"")),
        }
        answered: list[str] = []

        def start(status: str, *_: Any) -> Callable[[bytes], object]:
            answered.append(status)
            return answered.append  # type: ignore[return-value]

        list(app.wsgi_app(environ, start))
        if not answered[0].startswith("20"):
            raise RuntimeError(f"the answer is {answered[0]}")

    return call


def _request(house: House, body: bytes) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST", "PATH_INFO": _PATH, "CONTENT_TYPE": "application/json", "body": body,
        "CONTENT_LENGTH": str(len(body)), "HTTP_AUTHORIZATION": f"Bearer {house.token}",
    }  # fmt: skip


def _who(app: Flask, token: str) -> tuple[Any, Any, Role]:
    with app.app_context():
        caller = app.extensions["callers"].authenticate(token)
    return caller.user_id, caller.token_id, caller.role


def settings_of(house: House) -> Settings:
    """Return the settings that a server of the house has."""
    names = {field.alias for field in Settings.model_fields.values()}
    given = {name: value for name, value in house.environment().items() if name in names}
    return Settings.model_validate(given)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps(_parts(House(**given | {"folder": Path(given["folder"])}))))
