"""The embedded PostgreSQL under our supervisor."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg2
import pytest

from app.database import embedded as module
from app.database.binaries import EmbeddedPostgresError, account, packaged_binaries
from app.database.embedded import EmbeddedPostgres
from config import PROJECT
from tests.support.postgres import QUICK
from tests.support.waiting import until

pytestmark = pytest.mark.process


@pytest.fixture
def home():
    """A folder that every user reaches, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="daybook-embedded-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def postgres(home):
    found = EmbeddedPostgres(home, options=QUICK)
    yield found
    found.stop()


def ask(parameters, query="SELECT 1"):
    connection = psycopg2.connect(**parameters)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def answers(parameters):
    try:
        return ask(parameters) == 1
    except psycopg2.OperationalError:
        return False


def postmaster(postgres):
    return int((postgres.folder / "data/postmaster.pid").read_text().splitlines()[0])


def other_process(home):
    """A process that starts the same server and lives until it is told to stop."""
    code = (
        "import sys, pathlib; from app.database.embedded import EmbeddedPostgres;"
        f"p = EmbeddedPostgres(pathlib.Path({str(home)!r}), options={QUICK!r}); p.start();"
        "print('up', flush=True); sys.stdin.read(); p.stop()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "up\n"
    return process


def kill(process):
    process.kill()
    process.communicate()


def test_it_starts_stops_and_keeps_its_data(postgres):
    parameters = postgres.start()
    assert ask(parameters, "SHOW server_version").startswith("18.")
    ask(parameters, "CREATE TABLE t AS SELECT 1 AS a; COMMIT; SELECT 1")
    postgres.stop()
    assert not answers(parameters)
    assert ask(postgres.start(), "SELECT a FROM t") == 1


def test_it_is_durable_by_default(home):
    postgres = EmbeddedPostgres(home)
    try:
        parameters = postgres.start()
        for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert ask(parameters, f"SHOW {name}") == "on"
    finally:
        postgres.stop()


def test_starting_twice_in_one_process_is_harmless(postgres):
    assert postgres.start() == postgres.start()


def test_everything_is_private(postgres):
    parameters = postgres.start()
    folder = postgres.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
    assert ask(parameters, "SHOW listen_addresses") == ""
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(**(parameters | {"password": "wrong"}))


def test_folders_above_keep_their_modes(tmp_path):
    above = tmp_path / "closed"
    above.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(above / "home", options=QUICK)
    try:
        assert answers(postgres.start())
        assert stat.S_IMODE(above.stat().st_mode) == 0o700
    finally:
        postgres.stop()
        shutil.rmtree(postgres.folder)


def test_a_long_path_with_odd_signs_works(home):
    postgres = EmbeddedPostgres(home / ("it's a long path " * 8).strip(), options=QUICK)
    try:
        assert answers(postgres.start())
    finally:
        postgres.stop()


def test_the_last_one_out_stops_the_server(postgres, home):
    parameters = postgres.start()
    other = other_process(home)
    postgres.stop()
    assert answers(parameters)
    other.communicate(timeout=30)
    assert not answers(parameters)


def test_a_killed_user_does_not_keep_the_server(postgres, home):
    other = other_process(home)
    parameters = postgres.start()
    kill(other)
    assert answers(parameters)
    postgres.stop()
    assert not answers(parameters)


def test_a_server_left_behind_is_taken_over(postgres, home):
    other = other_process(home)
    kill(other)
    parameters = postgres.start()
    assert answers(parameters)
    postgres.stop()
    assert not answers(parameters)


def test_a_killed_server_starts_again(postgres):
    parameters = postgres.start()
    os.kill(postmaster(postgres), signal.SIGKILL)
    until(lambda: not answers(parameters))
    postgres.stop()
    assert answers(postgres.start())


@pytest.mark.parametrize("content", ["", "garbage", "1\n/nowhere\n", "99999999"])
def test_a_stale_pid_file_is_removed(postgres, content):
    postgres.start()
    postgres.stop()
    pid_file = postgres.folder / "data/postmaster.pid"
    pid_file.write_text(content or "")
    assert answers(postgres.start())


def test_the_pid_of_another_living_process_is_stale(postgres):
    postgres.start()
    postgres.stop()
    (postgres.folder / "data/postmaster.pid").write_text(f"{os.getpid()}\n")
    assert answers(postgres.start())


def test_an_initialisation_that_was_cut_off_is_done_again(postgres, home):
    postgres.start()
    postgres.stop()
    (postgres.folder / "data").rename(postgres.folder / "data.new")
    assert answers(postgres.start())
    assert not (postgres.folder / "data.new").exists()


def test_data_of_another_major_version_is_refused_with_a_sentence(postgres):
    postgres.start()
    postgres.stop()
    (postgres.folder / "data/PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match="belongs to PostgreSQL 16, the installed"):
        postgres.start()
    (postgres.folder / "data/PG_VERSION").write_text("18\n")


def test_many_processes_start_it_at_once(home, postgres):
    code = (
        "import pathlib; from app.database.embedded import EmbeddedPostgres;"
        f"p = EmbeddedPostgres(pathlib.Path({str(home)!r}), options={QUICK!r}); p.start(); p.stop()"
    )
    started = [subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT) for _ in range(3)]
    assert [process.wait(timeout=60) for process in started] == [0] * 3


def test_without_the_package_there_is_a_way_out(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EmbeddedPostgresError, match="Set DATABASE_URL"):
        packaged_binaries()


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    folder = tmp_path / "taken"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(EmbeddedPostgresError, match="belongs to somebody else"):
        module._make_private(folder, account())


def test_a_link_in_place_of_a_private_folder_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises((EmbeddedPostgresError, FileExistsError)):
        module._make_private(Path(tmp_path / "link"), account())
