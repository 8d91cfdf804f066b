"""A book that was exported to a folder: tiles, bundles of entries, checkpoints, keys, records."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .book import MOST_FINDINGS, Stored
from .errors import Finding, Rejected
from .notes import Key, read_size
from .tiles import WIDTH, path


class Bundle:
    """Reads an exported book.

    Args:
        folder: where it is.

    Raises:
        Rejected: if there is no book.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._findings: list[Finding] = []
        try:
            self._newest = (folder / "checkpoint").read_bytes()
        except OSError:
            raise Rejected(f"there is no checkpoint in {folder}") from None
        self._size = read_size(self._newest)

    def keys(self) -> frozenset[Key]:
        """Return the public keys that came with the book: who altered it could have altered them."""
        return frozenset(map(Key.parse, (self._folder / "keys").read_text().split()))

    def checkpoints(self) -> Iterator[bytes]:
        """See `verifier.book.Source`. The newest, which says how large the book is, is also by itself."""
        note = b""
        for number, line in self._lines("checkpoints.ndjson"):
            if isinstance(line.get("note"), str):
                note = line["note"].encode("utf-8", "surrogatepass")
                yield note
            else:
                self._find(f"line {number} of checkpoints.ndjson", "has no note")
        if note != self._newest:
            yield self._newest

    def leaves(self) -> Iterator[Stored]:
        """See `verifier.book.Source`."""
        records = self._records()
        record = next(records, None)
        for index, entry in self._entries():
            while record is not None and record["index"] < index:
                self._find_misplaced(record)
                record = next(records, None)
            fits = record is not None and record["index"] == index
            yield Stored(index, entry, record if fits else None)
            record = next(records, None) if fits else record
        while record is not None:
            self._find_misplaced(record)
            record = next(records, None)

    def tile(self, level: int, number: int) -> bytes | None:
        """See `verifier.book.Source`."""
        width = min(WIDTH, self._size // WIDTH**level - number * WIDTH)
        return self._read(path(level, number, width))

    def findings(self) -> Iterator[Finding]:
        """See `verifier.book.Source`."""
        yield from self._findings

    def waiting(self) -> int:
        """See `verifier.book.Source`: only what is sealed is exported."""
        return 0

    def _entries(self) -> Iterator[tuple[int, bytes]]:
        index = 0
        while index < self._size:
            width = min(WIDTH, self._size - index)
            bundle = self._read(path("entries", index // WIDTH, width))
            if bundle is None:
                raise Rejected(f"the entries from {index} on are not there")
            entries = list(_split(bundle, index))
            if len(entries) != width:
                raise Rejected(
                    f"the bundle of entries from {index} on has {len(entries)}, not {width}"
                )
            for entry in entries:
                yield index, entry
                index += 1

    def _records(self) -> Iterator[dict[str, Any]]:
        for number, line in self._lines("records.ndjson"):
            if type(line.get("index")) is int:
                yield line
            else:
                self._find(
                    f"line {number} of records.ndjson", "does not say which leaf it belongs to"
                )

    def _lines(self, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the objects of a file of lines, each with the line's number."""
        with (self._folder / name).open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError):
                    value = None
                if isinstance(value, dict):
                    yield number, value
                else:
                    self._find(f"line {number} of {name}", "is no JSON object")

    def _find_misplaced(self, record: dict[str, Any]) -> None:
        self._find(
            f"the record of leaf {record['index']} in records.ndjson", "belongs to no leaf there"
        )

    def _find(self, where: str, what: str) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(Finding(where, what))

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None


def _split(bundle: bytes, index: int) -> Iterator[bytes]:
    """Yield the entries of a bundle: each after its length in two bytes."""
    at = 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle):
            raise Rejected(f"the bundle of entries from {index} on is broken off")
        yield bundle[at + 2 : end]
        at = end
