"""The service as a process: granian, gunicorn, waitress; signals; the embedded database."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import text

from app.extensions import db
from config import PROJECT
from tests.support.cast import GOOD_ROW
from tests.support.live import children, free_port, live_server
from tests.support.postgres import SECRET
from tests.support.waiting import until, waits_for_a_lock

URL = "/api/v1/models/churn/predictions"
BIN = Path(sys.executable).parent


def ask(server, headers):
    with server.session(headers) as session:
        return session.post(URL, {"inputs": [GOOD_ROW]})


@pytest.fixture
def headers(fresh_app):
    return fresh_app.extensions["cast"]["owner"].bearer


COMMANDS = {
    "granian": [sys.executable, "manage.py", "serve"],
    "gunicorn": [
        str(BIN / "gunicorn"),
        "--worker-class",
        "gthread",
        "--threads",
        "4",
        "app:create_app()",
    ],
    "waitress": [str(BIN / "waitress-serve"), "--call", "app:create_app"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_application_answers_under_every_server(fresh_url, tmp_path, headers, name):
    port, command = free_port(), list(COMMANDS[name])
    if name == "gunicorn":
        command[1:1] = ["--bind", f"127.0.0.1:{port}"]
    elif name == "waitress":
        command[1:1] = [f"--listen=127.0.0.1:{port}"]
    with live_server(fresh_url, tmp_path, command, port=port) as server:
        answer = ask(server, headers)
        assert answer.status == 201, answer.body
        identifier = answer.json()["predictions"][0]["id"]
        assert server.get(f"/api/v1/predictions/{identifier}", headers).status == 200
        assert server.get("/login").status == 200


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "Ctrl-C"])
def test_stopping_finishes_what_is_in_flight(fresh_app, fresh_url, tmp_path, headers, how):
    """A request waits at a locked table while the signal comes; then it is answered.

    Ctrl-C sends SIGINT to every process of the terminal's group, the workers too.
    """
    with live_server(fresh_url, tmp_path) as server:
        assert ask(server, headers).status == 201
        blocker = psycopg2.connect(fresh_url)
        with blocker.cursor() as cursor:
            cursor.execute("LOCK TABLE predictions IN ACCESS EXCLUSIVE MODE")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(ask(server, headers)))
        thread.start()
        until(lambda: waits_for_a_lock(fresh_url))
        if how == "Ctrl-C":
            os.killpg(server.process.pid, signal.SIGINT)
        else:
            server.process.send_signal(signal.Signals[how])
        # The signal cuts nothing off: the server lives on, and the request goes on waiting.
        assert _stays(lambda: server.process.poll() is None and thread.is_alive(), 1)
        assert answers == []
        blocker.rollback()
        blocker.close()
        thread.join(30)
        assert [answer.status for answer in answers] == [201]
        assert server.process.wait(timeout=60) == 0


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT"])
def test_a_worker_ends_when_nothing_is_left_to_do_after_its_answers(fresh_url, tmp_path, how):
    """The interpreter would end its threads at work, and the server's do not survive that: an abort."""
    command = [sys.executable, str(Path(__file__).with_name("slow_worker.py")), "serve"]
    with live_server(fresh_url, tmp_path, command, PYTHONPATH=str(PROJECT)) as server:
        assert server.get("/version").status == 200
        assert "the end of a request" not in server.log()
        assert server.stop(signal.Signals[how]) == 0
    assert "the end of a request" in server.log()
    assert "panic" not in server.log()


def test_a_killed_worker_is_replaced(fresh_url, tmp_path, headers):
    with live_server(fresh_url, tmp_path) as server:
        assert ask(server, headers).status == 201
        (worker,) = children(server.process.pid)
        os.kill(worker, signal.SIGKILL)
        until(lambda: worker not in children(server.process.pid) and server.is_ready(), 30)
        assert ask(server, headers).status == 201


def test_workers_that_die_again_and_again_do_not_end_the_service(fresh_url, tmp_path, headers):
    with live_server(fresh_url, tmp_path, WEB_CONCURRENCY="2") as server:
        for _ in range(2):  # Each as soon as it is there, the second one often while it starts.
            until(lambda: len(children(server.process.pid)) == 2)
            for worker in children(server.process.pid):
                os.kill(worker, signal.SIGKILL)
            until(server.is_ready)
        assert ask(server, headers).status == 201
    assert server.log().count('"worker died"') == 4


def test_reload_changes_every_worker_and_no_request_is_lost(fresh_url, tmp_path, headers):
    stop, statuses = threading.Event(), []

    def keep_asking(server):
        while not stop.is_set():
            statuses.append(ask(server, headers).status)

    with live_server(fresh_url, tmp_path, WEB_CONCURRENCY="2") as server:
        old = set(children(server.process.pid))
        thread = threading.Thread(target=keep_asking, args=(server,))
        thread.start()
        server.process.send_signal(signal.SIGHUP)
        until(lambda: not old & set(children(server.process.pid)))
        stop.set()
        thread.join()
        new = children(server.process.pid)
        # Each has a processor of its own, as far as there are some: also those that were held by the old.
        free = min(2, len(os.sched_getaffinity(0)))
        until(lambda: len({frozenset(os.sched_getaffinity(pid)) for pid in new}) == free)
    assert len(new) == 2
    assert set(statuses) == {201}


def test_reload_keeps_the_old_workers_if_the_new_ones_cannot_start(fresh_url, tmp_path, headers):
    with live_server(fresh_url, tmp_path) as server:
        old = children(server.process.pid)
        counts = tmp_path / "live" / "metrics" / str(server.process.pid)
        counts.rename(counts.with_name("gone"))
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "the old ones stay" in server.log())
        assert children(server.process.pid) == old
        assert ask(server, headers).status == 201
        counts.with_name("gone").rename(counts)


def test_serving_makes_the_partitions_ahead(fresh_app, fresh_url, tmp_path):
    query = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'predictions'::regclass"
    with live_server(fresh_url, tmp_path), fresh_app.app_context():
        assert db.session.scalar(text(query)) == 3


def test_every_thread_has_one_openmp_thread_under_any_server():
    code = (
        "import app, sklearn.ensemble, threading; from threadpoolctl import threadpool_info;"
        "show = lambda: print({p['num_threads'] for p in threadpool_info()});"
        "t = threading.Thread(target=show); t.start(); t.join()"
    )
    clean = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=clean, capture_output=True, text=True
    )
    assert result.stdout.strip() == "{1}", result.stderr


def test_a_command_that_is_terminated_stops_its_database(tmp_path_factory):
    home = tmp_path_factory.mktemp("stopped")
    settings = {"DAYBOOK_HOME": str(home), "DATABASE_URL": "embedded"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo"], cwd=PROJECT, env=os.environ | settings,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process.stderr as lines:
        assert any("Training" in line for line in lines)
        pid_file = (home / "postgres/data/postmaster.pid").resolve()
        assert pid_file.exists()
        process.terminate()
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert not pid_file.exists()


def test_metrics_are_summed_over_workers(fresh_url, tmp_path, headers):
    with live_server(fresh_url, tmp_path, WEB_CONCURRENCY="2") as server:
        for _ in range(20):
            assert ask(server, headers).status == 201
        text = server.get("/metrics").body.decode()
    found = re.search(r'daybook_predictions_total\{model="churn",status="accepted"\} (\S+)', text)
    assert float(found[1]) == 20


def test_doctor_counts_what_became_of_every_request(fresh_url, tmp_path, headers):
    asked = r"(\d+) requests for predictions since .*, (\d+) answered, 0 in flight, 0 broken off"
    with live_server(fresh_url, tmp_path, WEB_CONCURRENCY="2") as server:
        for _ in range(5):
            ask(server, headers)
        ask(server, {})  # Without a caller: nobody asked for predictions.
        (worker, _) = children(server.process.pid)
        os.kill(worker, signal.SIGKILL)
        said = _manage(
            "doctor", DAYBOOK_ENV="test", DATABASE_URL=fresh_url, SECRET_KEY=SECRET,
            DAYBOOK_HOME=str(tmp_path / "live"),
        )  # fmt: skip
    assert re.search(asked, said.stdout).groups() == ("5", "5"), said.stdout


def test_logs_are_json_with_request_ids_and_without_inputs(fresh_url, tmp_path, headers):
    with live_server(fresh_url, tmp_path) as server, server.session(headers) as session:
        row = GOOD_ROW | {"country": "very-private-value", "age": "private-too"}
        answer = session.request(
            "POST", URL, json.dumps({"inputs": [row]}).encode(),
            **{"Content-Type": "application/json", "X-Request-Id": "my-request-1"},
        )  # fmt: skip
        assert answer.status == 422
        assert session.post(URL, {"inputs": [GOOD_ROW]}).status == 201
    log = server.log()
    assert "private" not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert any(line["event"] == "version loaded" for line in lines)
    assert any(line.get("client_request_id") == "my-request-1" for line in lines)


def test_every_worker_has_one_blas_thread(fresh_url, tmp_path, headers):
    with live_server(fresh_url, tmp_path) as server:
        assert ask(server, headers).status == 201
        (worker,) = children(server.process.pid)
        environment = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
    for name in (b"OMP_NUM_THREADS", b"OPENBLAS_NUM_THREADS"):
        assert name + b"=1" in environment


def test_serving_without_migrations_says_what_to_do(server, worker, tmp_path):
    url = server.empty(f"unmigrated_{worker}")
    try:
        result = _manage("serve", DATABASE_URL=url, DAYBOOK_HOME=str(tmp_path), SECRET_KEY=SECRET)
        assert result.returncode == 1
        assert "run manage.py db upgrade" in result.stderr
        result = _manage("users", "list", DATABASE_URL=url, DAYBOOK_HOME=str(tmp_path))
        assert result.returncode == 1
        assert "Run: manage.py db upgrade" in result.stderr
    finally:
        server.drop(f"unmigrated_{worker}")


def test_settings_that_are_not_usable_are_one_list(tmp_path):
    result = _manage(
        "users", "list", DAYBOOK_ENV="production", PORT="x", DAYBOOK_HOME=str(tmp_path)
    )
    assert result.returncode == 1
    for name in ("SECRET_KEY", "DATABASE_URL", "PORT"):
        assert f"- {name}: " in result.stderr


def test_a_database_that_does_not_answer_is_one_line(tmp_path):
    result = _manage(
        "users", "list", DAYBOOK_HOME=str(tmp_path),
        DATABASE_URL=f"postgresql://127.0.0.1:{free_port()}/none",
    )  # fmt: skip
    assert result.returncode == 1
    assert "The database does not answer" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_demo_serves_three_models_and_stops_its_database(tmp_path_factory):
    """What `make serve` runs, on the embedded PostgreSQL, twice."""
    home = tmp_path_factory.mktemp("demo")
    settings = {"DAYBOOK_HOME": str(home), "DATABASE_URL": "embedded", "DAYBOOK_ENV": "development"}
    first = _manage("demo", **settings)
    assert first.returncode == 0, first.stderr
    assert first.stderr.count("Training") == 3
    started = time.monotonic()
    again = _manage("demo", **settings)
    assert "Training" not in again.stderr
    assert time.monotonic() - started < 20
    passwords = json.loads((home / "demo-users.json").read_text())
    assert all(f"{address} " in again.stderr for address in passwords)
    token = _manage("tokens", "create", "--user", "analyst@example.com", "--name", "t",
                    "--scope", "predict", **settings).stdout.strip()  # fmt: skip
    headers = {"Authorization": f"Bearer {token}"}
    with live_server("embedded", home, **settings) as server:
        models = server.get("/api/v1/models", headers).json()["data"]
        assert [m["name"] for m in models] == ["breast-cancer", "digits", "house-prices"]
        for model in models:
            signature = server.get(f"/api/v1/models/{model['name']}", headers).json()["signature"]
            row = {item["name"]: item["typical"] for item in signature["inputs"]}
            with server.session(headers) as session:
                path = f"/api/v1/models/{model['name']}/predictions"
                answer = session.post(path, {"inputs": [row] * 3})
            assert answer.status == 201, answer.body
        with server.session(headers) as session:
            answer = session.post("/api/v1/models/house-prices/predictions", _example_of_readme())
        assert answer.status == 201, answer.body
        assert _manage("doctor", **settings).returncode == 0
        assert server.stop() == 0
    assert not list((home / "postgres" / "data").glob("postmaster.pid"))


def _example_of_readme():
    """The body of the first prediction by curl, as the README has it."""
    found = re.search(r"-d '(\{\"inputs\".*?)'", (PROJECT / "README.md").read_text(), re.DOTALL)
    return json.loads(found[1])


def _manage(*arguments, **settings):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("DAYBOOK_")}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=PROJECT, env=inherited | settings,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def _stays(condition, seconds):
    """Whether something remains so for a while: that it does not end can only be watched."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            return False
        time.sleep(0.02)
    return True
