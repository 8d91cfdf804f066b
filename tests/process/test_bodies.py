"""Bodies on the wire: whole, or refused; and a service that heals."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from config import PROJECT
from tests.process.test_servers import _manage, ask
from tests.support.live import children, live_server
from tests.support.postgres import SECRET
from tests.support.waiting import until

URL = "/api/v1/models/churn/predictions"
BODY = b'{"inputs":[{"age":44.0,"visits":3,"country":"FR"}]}'


@pytest.fixture
def headers(fresh_app):
    return fresh_app.extensions["cast"]["owner"].bearer


def send(server, headers, head, body, *, cut=False, close=False):
    """Send raw bytes; return the status, None if the connection was closed without an answer."""
    lines = [f"POST {URL} HTTP/1.1", "Host: localhost", "Connection: close",
             "Content-Type: application/json", f"Authorization: {headers['Authorization']}", *head]  # fmt: skip
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        if cut:
            connection.shutdown(socket.SHUT_WR)
        if close:
            return None
        answer = connection.recv(65536)
    return int(answer.split()[1]) if answer else None


def statuses(server, headers):
    with server.session(headers) as session:
        return [r["status"] for r in session.request("GET", "/api/v1/predictions").json()["data"]]


def test_an_interrupted_body_is_never_answered(fresh_url, tmp_path, headers):
    with live_server(fresh_url, tmp_path) as server:
        long = [f"Content-Length: {len(BODY) + 500}"]
        assert send(server, headers, long, BODY, cut=True) in (400, None)
        send(server, headers, long, BODY, close=True)
        assert send(server, headers, [f"Content-Length: {len(BODY)}"], BODY) == 201
        until(lambda: statuses(server, headers).count("refused") >= 1)
        assert statuses(server, headers).count("accepted") == 1


def test_a_body_of_unknown_length_is_refused_and_recorded(fresh_url, tmp_path, headers):
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    broken = b"%x\r\n%s\r\nZZ\r\n" % (len(BODY), BODY)
    with live_server(fresh_url, tmp_path) as server:
        head = ["Transfer-Encoding: chunked"]
        assert send(server, headers, head, chunked) == 411
        assert send(server, headers, head, broken) in (400, 411, None)
        assert set(statuses(server, headers)) == {"refused"}


def test_workers_do_not_outlive_their_killed_parent(fresh_url, tmp_path, headers):
    with live_server(fresh_url, tmp_path) as server:
        assert ask(server, headers).status == 201
        workers = children(server.process.pid)
        server.stop(signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{w}/cwd").exists() for w in workers), 40)


def test_a_port_that_is_taken_is_refused(fresh_url, tmp_path, headers):
    with live_server(fresh_url, tmp_path) as server:
        assert ask(server, headers).status == 201
        second = _manage(
            "serve", DATABASE_URL=fresh_url, DAYBOOK_HOME=str(tmp_path / "live"), SECRET_KEY=SECRET,
            PORT=str(server.port),
        )  # fmt: skip
        assert second.returncode == 1
        assert f"127.0.0.1:{server.port} cannot be listened on" in second.stderr
        assert 'model="churn",status="accepted"} 1.0' in server.get("/metrics").body.decode()


def test_the_service_heals_after_its_embedded_database_was_killed(tmp_path_factory):
    home = tmp_path_factory.mktemp("heals")
    settings = {"DAYBOOK_HOME": str(home), "DATABASE_URL": "embedded"}
    command = [sys.executable, "manage.py", "db", "upgrade"]
    subprocess.run(
        command, cwd=PROJECT, env=os.environ | settings | {"SECRET_KEY": SECRET}, check=True
    )
    with live_server("embedded", home, **settings) as server:
        pid_file = (home / "postgres" / "data" / "postmaster.pid").resolve()
        killed = pid_file.read_text().splitlines()[0]
        os.kill(int(killed), signal.SIGKILL)

        def healed():
            ready = server.is_ready()
            return ready and pid_file.read_text().splitlines()[0] != killed

        until(healed, 30)


def test_the_embedded_server_logs_no_statements(tmp_path_factory):
    from app.database.embedded import EmbeddedPostgres

    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("quiet"))
    try:
        connection = psycopg2.connect(**postgres.start())
        with connection.cursor() as cursor, pytest.raises(psycopg2.Error):
            cursor.execute("SELECT 'patient Jane Doe'::int")
        connection.close()
        log = (postgres.folder / "log").read_text()
    finally:
        postgres.stop()
    assert "ERROR" in log
    assert "STATEMENT" not in log


def test_a_commit_whose_outcome_was_lost_is_found_in_the_book(fresh_app, headers, monkeypatch):
    """The connection breaks after the server has committed and before the client hears of it."""
    book = fresh_app.extensions["recorder"]._book
    call, broken = book.call, []

    def call_and_lose(*given):
        told = call(*given)
        if not broken:
            broken.append(True)
            raise psycopg2.OperationalError("server closed the connection unexpectedly")
        return told

    monkeypatch.setattr(book, "call", call_and_lose)
    answer = fresh_app.test_client().post(
        URL, data=BODY, content_type="application/json", headers=headers
    )
    assert broken
    assert answer.status_code == 201
    found = fresh_app.test_client().get("/api/v1/predictions", headers=headers).get_json()["data"]
    assert [r["id"] for r in found] == [answer.get_json()["predictions"][0]["id"]]
