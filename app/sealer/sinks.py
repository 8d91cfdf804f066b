"""Sinks: where checkpoints are published, out of reach of who runs the database."""

import base64
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from app.ledger.notes import LARGEST_BYTES

_PATIENCE_SECONDS = 5.0
_NOT_THERE = (404, 410)


class SinkError(Exception):
    """A sink could not be read or written; the message says which and why, without secrets."""


class Sink(Protocol):
    """A place that keeps the newest checkpoint."""

    name: str

    def read(self) -> bytes | None:
        """Return the newest checkpoint there; None if there is none yet.

        Raises:
            SinkError: if it cannot be known.
        """

    def write(self, size: int, note: bytes) -> None:
        """Publish a checkpoint; when this returns it is safe there.

        Raises:
            SinkError: if it could not be.
        """


class FolderSink:
    """A folder, best on another machine's disk: the newest is `checkpoint`, all written are in `checkpoints/`."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def read(self) -> bytes | None:
        """See `Sink`. The folder itself must be there: one that is not mounted is not an empty one."""
        try:
            self._folder.stat()
            return (self._folder / "checkpoint").read_bytes()
        except FileNotFoundError:
            if self._folder.is_dir():
                return None
            raise SinkError(f"{self.name} is not there") from None
        except OSError as error:
            raise SinkError(f"{self.name}: {error.strerror}") from None

    def write(self, size: int, note: bytes) -> None:
        """See `Sink`."""
        try:
            kept = self._folder / "checkpoints" / str(size)
            kept.parent.mkdir(exist_ok=True)
            if kept.exists() and kept.read_bytes() != note:
                raise SinkError(f"{self.name} has another checkpoint of size {size:,}")
            _write_safely(kept, note)
            _write_safely(self._folder / "checkpoint", note)
        except OSError as error:
            raise SinkError(f"{self.name}: {error.strerror}") from None


class HTTPSink:
    """An address that keeps what is PUT there, and gives it to GET; a name and a password may be in it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        self._headers = {"Content-Type": "text/plain; charset=utf-8"} | _authorization(parts)
        self.name = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def read(self) -> bytes | None:
        """See `Sink`."""
        try:
            return self._call("GET", None)
        except urllib.error.HTTPError as error:
            if error.code in _NOT_THERE:
                return None
            raise SinkError(f"{self.name} answers {error.code}") from None

    def write(self, size: int, note: bytes) -> None:  # noqa: ARG002
        """See `Sink`; the address has the newest only."""
        try:
            self._call("PUT", note)
        except urllib.error.HTTPError as error:
            raise SinkError(f"{self.name} answers {error.code}") from None

    def _call(self, method: str, body: bytes | None) -> bytes:
        request = urllib.request.Request(self._url, body, self._headers, method=method)  # noqa: S310 (http, https)
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310
                found: bytes = answer.read(LARGEST_BYTES + 1)
                return found
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise SinkError(f"{self.name}: {reason}") from None


def read_sinks(setting: str) -> list[Sink]:
    """Return the sinks that `DAYBOOK_CHECKPOINT_SINKS` names, apart by spaces: folders and addresses."""
    return [
        FolderSink(Path(word)) if word.startswith("/") else HTTPSink(word)
        for word in setting.split()
    ]


def _authorization(parts: SplitResult) -> dict[str, str]:
    """Return the header for a name and a password in an address (RFC 7617)."""
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _write_safely(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old or the new one, also after a crash."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
