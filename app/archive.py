"""Archives (ZIP, APPNOTE 6.3) written while they are sent.

The directory of an archive comes last: one that broke off has none, and no program takes it for a whole one.
"""

from collections.abc import Callable, Generator, Iterator
from zipfile import ZIP_DEFLATED, ZipFile

_FASTEST = 1


class _Sent:
    """What ZipFile writes to: keeps the bytes until they are taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Do nothing: bytes leave when they are taken."""

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def archived(
    name: str, content: Iterator[bytes], last_name: str, last: Callable[[], bytes]
) -> Generator[bytes]:
    """Yield an archive with two files; the content of the last one is known when the first one has ended."""
    sent = _Sent()
    with ZipFile(sent, "w", ZIP_DEFLATED, compresslevel=_FASTEST) as archive:  # type: ignore[call-overload]
        with archive.open(name, "w", force_zip64=True) as file:
            for part in content:
                file.write(part)
                yield sent.take()
        archive.writestr(last_name, last())
    yield sent.take()
