"""The examples of docs/api.md, as they stand there, against a running service: one row, by every door."""

import io
import os
import re
import shlex
import sys
from contextlib import redirect_stdout

import httpx
import pytest

from config import PROJECT
from tests.support.live import live_server

sys.path.insert(0, str(PROJECT / "clients/python"))
DOCUMENT = (PROJECT / "docs/api.md").read_text()
ROW = {"age": 44, "country": "FR", "visits": 3}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


def curl(command, folder):
    """Send what a curl command would; an option that is not known here fails."""
    program, address, *words = shlex.split(os.path.expandvars(command.replace("\\\n", " ")))
    assert program == "curl"
    headers, body, auth = {}, b"", None
    for option, value in zip(words[::2], words[1::2], strict=True):
        match option:
            case "-H":
                name, _, text = value.partition(": ")
                headers[name] = text
            case "-u":
                auth = tuple(value.split(":", 1))
            case "-d":
                body = value.encode()
            case "--data-binary":
                body = (folder / value.removeprefix("@")).read_bytes()
            case _:
                pytest.fail(f"what is {option}?")
    return httpx.post(address, content=body, headers=headers, auth=auth)


@pytest.fixture
def live(fresh_url, cast, tmp_path, monkeypatch):
    with live_server(fresh_url, tmp_path, DAYBOOK_DEFAULT_MODEL="churn") as running:
        monkeypatch.setenv("DAYBOOK", running.url)
        monkeypatch.setenv("TOKEN", cast["owner"].token)
        yield running


def test_every_documented_call_answers_and_records_the_same(live, cast, tmp_path):
    (table,) = blocks("csv")
    (tmp_path / "rows.csv").write_text(table)
    commands, programs = blocks("sh"), blocks("python")
    for command in commands:
        answer = curl(command, tmp_path)
        assert answer.status_code in (200, 201), (command, answer.text)
    for program in programs:
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(program, "docs/api.md", "exec"), {})
        assert "yes" in printed.getvalue() or "no" in printed.getvalue()
    with live.session(cast["owner"].bearer) as session:
        records = session.request("GET", "/api/v1/predictions").json()["data"]
    assert len(records) == len(commands) + len(programs) == 8
    assert {one["channel"] for one in records} == {"api", "v2", "v1", "mlflow"}
    assert {(str(one["inputs"]), str(one["output"])) for one in records} == {
        (str(ROW), str(records[0]["output"]))
    }
