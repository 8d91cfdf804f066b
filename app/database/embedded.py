"""The embedded PostgreSQL: a real server, with no set-up.

One server for each home folder, shared by all processes that use that folder. Each holds a shared
lock for as long as it lives, which the kernel frees even after kill -9; the last one out stops the server.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2

from app.database.binaries import (
    Account,
    EmbeddedPostgresError,
    account,
    is_root,
    major_version,
    packaged_binaries,
    runnable,
    shared_folder,
)
from app.database.patience import Connection

DATABASE = USER = "daybook"
_LONGEST_SOCKET_FOLDER = 80
_ORPHANS_END_WITHIN = _RECOVERS_WITHIN = 20.0


class EmbeddedPostgres:
    """The server of one home folder.

    Args:
        home: the folder that holds everything the service writes to disk.
        binaries: the folder of PostgreSQL's programs; the packaged PostgreSQL 18 by default.
        options: settings of the server, such as `{"fsync": "off"}` for tests.
    """

    def __init__(
        self, home: Path, *, binaries: Path | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self._home = home
        self._given_binaries = binaries
        self._options = dict(options or {})
        self._users_lock: int | None = None
        self._process = 0

    def start(self) -> dict[str, str]:
        """Start the server unless it runs, and return psycopg2's connection parameters.

        Starting again in the same process is harmless.

        Raises:
            EmbeddedPostgresError: if it cannot run here; the message says why.
        """
        self._prepare()
        with self._starting():
            if self._process != os.getpid():
                self._users_lock = _open_lock(self.folder / "users.lock")
                fcntl.flock(self._users_lock, fcntl.LOCK_SH)
                self._process = os.getpid()
            if not (self.folder / "data").exists():
                self._initialise()
            self._check_version()
            if not self._answers() and not self._recovers():
                self._launch()
            self._ensure_database()
        return self.parameters()

    def stop(self) -> bool:
        """Leave; the last one out stops the server. Without a start before, do nothing.

        Returns:
            Whether this was the last one.
        """
        if self._users_lock is None or self._process != os.getpid():
            return False
        with self._starting():
            try:
                fcntl.flock(self._users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            else:
                if self.is_alive():
                    self._control("stop", "-m", "fast")
                if self._socket_folder().parent != self.folder:
                    self._socket_folder().rmdir()
                return True
            finally:
                os.close(self._users_lock)
                self._users_lock, self._process = None, 0

    def is_alive(self) -> bool:
        """Whether there is a living server of this data; it need not answer."""
        return self.pid() is not None

    def pid(self) -> int | None:
        """Return the number of the server's first process, None if it is gone: a pid file may be stale."""
        try:
            lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return None
        number = lines[0].strip() if lines else ""
        lives = number.isdecimal() and _works_in(Path("/proc") / number, self.folder / "data")
        return int(number) if lives else None

    def parameters(self, database: str = DATABASE) -> dict[str, str]:
        """Return the connection parameters of the server's owner."""
        password = (self.folder / "password").read_text()
        return {
            "host": str(self._socket_folder()),
            "user": USER,
            "password": password,
            "dbname": database,
        }

    @property
    def folder(self) -> Path:
        """Where the data is: in the home folder, for root behind a link where it must be."""
        return (self._home / "postgres").resolve()

    def _prepare(self) -> None:
        """Find programs that the account can run and a folder that it can reach."""
        self._account = account()
        self._binaries = runnable(self._given_binaries or packaged_binaries(), self._account)
        self._home.mkdir(parents=True, exist_ok=True)
        place = self._home / "postgres"
        if not place.exists() and not _reaches(self._account, self._home):
            # Root's own folders are closed to the account, and must stay so: use one outside.
            name = hashlib.sha256(str(self._home).encode()).hexdigest()[:12]
            _make_private(shared_folder() / name, self._account)
            with contextlib.suppress(FileExistsError):
                place.symlink_to(shared_folder() / name)
        _make_private(place.resolve(), self._account)
        if not _reaches(self._account, place.resolve()):
            raise EmbeddedPostgresError(
                f"{place} is closed to the user that runs PostgreSQL; move DAYBOOK_HOME to where it"
                " can enter, or serve as an ordinary user."
            )

    @contextlib.contextmanager
    def _starting(self) -> Iterator[None]:
        """Let one process at a time start or stop the server."""
        lock = _open_lock(self.folder / "start.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _initialise(self) -> None:
        draft, password = self.folder / "data.new", self.folder / "password"
        shutil.rmtree(draft, ignore_errors=True)
        password.unlink(missing_ok=True)
        descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        os.chown(password, self._account.uid, self._account.gid)
        self._run(
            "initdb", "--pgdata", draft, "--username", USER, "--pwfile", password, "--auth",
            "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--data-checksums",
        )  # fmt: skip
        with (draft / "postgresql.conf").open("a") as file:
            file.write("\ninclude 'daybook.conf'\n")
        (draft / "daybook.conf").touch()
        os.chown(draft / "daybook.conf", self._account.uid, self._account.gid)
        draft.rename(self.folder / "data")

    def _check_version(self) -> None:
        data = (self.folder / "data" / "PG_VERSION").read_text().strip()
        program = major_version(self._binaries)
        if data != program:
            raise EmbeddedPostgresError(
                f"The data in {self.folder / 'data'} belongs to PostgreSQL {data}, the installed"
                f" one is {program}. Dump it with the old version and load it into the new one:"
                " see docs/operating.md."
            )

    def _launch(self) -> None:
        self._remove_stale_locks()
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_folder()),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            # Statements carry inputs, which are personal data: the log names errors without them.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            **self._options,
        }
        lines = [f"{name} = '{_quoted(value)}'\n" for name, value in options.items()]
        (self.folder / "data" / "daybook.conf").write_text("".join(lines))
        # Whoever starts it, a worker that keeps to one processor perhaps: it may use all of them.
        with ThreadPoolExecutor(1, initializer=_use_all_processors) as pool:
            pool.submit(self._control, "start", "--log", str(self.folder / "log")).result()

    def _control(self, action: str, *options: str) -> None:
        self._run("pg_ctl", action, "--pgdata", self.folder / "data", "--wait",
                  "--timeout", "60", *options)  # fmt: skip

    def _remove_stale_locks(self) -> None:
        """Remove the lock files of a server that is gone: its number may belong to another by now.

        The children of a killed server live on for a moment, and must be gone first.
        """
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        for file in self._socket_folder().glob(".s.PGSQL.*"):
            file.unlink(missing_ok=True)
        end = time.monotonic() + _ORPHANS_END_WITHIN
        while time.monotonic() < end and _somebody_works_in(self.folder / "data"):
            time.sleep(0.05)

    def _answers(self) -> bool:
        """Whether the server is alive: a real connection, for a pid proves nothing."""
        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _connect(self) -> Connection:
        parameters = self.parameters("postgres")
        connection: Connection = psycopg2.connect(**parameters, connection_factory=Connection)
        return connection

    def _recovers(self) -> bool:
        """Wait while a living server does not answer: it recovers after one of its processes was killed.

        Raises:
            EmbeddedPostgresError: if it goes on living without an answer.
        """
        end = time.monotonic() + _RECOVERS_WITHIN
        while self.is_alive() and time.monotonic() < end:
            if self._answers():
                return True
            time.sleep(0.05)
        if self.is_alive():
            raise EmbeddedPostgresError(
                f"The embedded PostgreSQL lives but does not answer (log: {self.folder / 'log'})"
            )
        return False

    def _ensure_database(self) -> None:
        connection = self._connect()
        try:
            connection.autocommit = True
            connection.longest_wait = None
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
                if not cursor.fetchone():
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            connection.close()

    def _socket_folder(self) -> Path:
        """Return where the socket is: a socket's path has at most about 100 characters."""
        inside = self.folder / "socket"
        if len(str(inside)) <= _LONGEST_SOCKET_FOLDER:
            folder = inside
        else:
            name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
            folder = Path(tempfile.gettempdir()) / f"daybook-{name}"
        _make_private(folder, self._account)
        return folder

    def _run(self, program: str, *arguments: str | Path) -> None:
        finished = self._account.run(self._binaries / program, *arguments)
        if finished.returncode:
            said = " ".join(finished.stdout.split())[-400:]
            raise EmbeddedPostgresError(
                f"The embedded PostgreSQL: {program} failed: {said} (log: {self.folder / 'log'})"
            )


def _use_all_processors() -> None:
    """Undo for this thread, and what it starts, what the process keeps to."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _make_private(folder: Path, owner: Account) -> None:
    """Make a folder of the account that nobody else can enter; refuse one that is not ours."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if is_root() and folder.lstat().st_uid == 0:
        os.chown(folder, owner.uid, owner.gid, follow_symlinks=False)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.uid:
        raise EmbeddedPostgresError(f"{folder} belongs to somebody else; remove it.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)


def _reaches(user: Account, folder: Path) -> bool:
    """Whether the account gets into a folder; tried, for mode bits do not tell."""
    if not is_root():
        return True
    return user.run("test", "-x", folder).returncode == 0


def _works_in(process: Path, folder: Path) -> bool:
    """Whether a process (its folder in /proc) lives and works in a folder, as postgres does."""
    try:
        return (process / "cwd").readlink() == folder
    except OSError:
        return False


def _somebody_works_in(folder: Path) -> bool:
    return any(_works_in(process, folder) for process in Path("/proc").glob("[0-9]*"))


def _quoted(value: str) -> str:
    return value.replace("'", "''")
