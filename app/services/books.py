"""The whole book: verified where it is, and exported for those who verify it elsewhere."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, text

from app.database.transactions import snapshot
from app.extensions import db
from app.ledger import tiles
from app.ledger.merkle import HASH_BYTES
from app.ledger.tiles import WIDTH
from app.models import LedgerCheckpoint
from app.services.errors import ConflictError, UnknownThingError
from app.services.ledger import newest_checkpoint
from verifier.book import Report, verify_book
from verifier.database import Database
from verifier.keyring import Keyring
from verifier.notes import Key

_REPORT_EVERY = 1_000
_TILES = "SELECT level, number, hashes FROM ledger_tiles WHERE level = :level AND number >= :first ORDER BY number LIMIT 256"
_README = """\
This is a Daybook of {size} leaves, exported at {at}.

Check it with the verifier, a folder of the service that needs nothing of it:

    python -m verifier bundle . --key KEYS

KEYS is the file with the public keys that you were given when the book was begun. The file `keys` here
has them too, but whoever altered the book could have altered that.

checkpoint           the newest signed checkpoint (https://c2sp.org/tlog-checkpoint)
checkpoints.ndjson   all of them
tile/                the tree, and the leaves (https://c2sp.org/tlog-tiles)
records.ndjson       the records, in the order of their leaves
manifest.json        what is here, and the SHA-256 of each file but the tiles
"""


def verify_stored_book(
    keys: frozenset[Key], *, progress: Callable[[int], None] = lambda _: None
) -> Report:
    """Verify the book in the database, in one snapshot, by the verifier's code.

    Args:
        keys: whose signatures count.
        progress: called now and then with the number of leaves read.
    """
    with snapshot(db.session):
        return verify_book(Database(_ask), Keyring(keys), progress=progress)


def erased_in(folder: Path) -> Iterator[UUID]:
    """Yield the predictions, outcomes and reviews that an exported book says are erased.

    Raises:
        UnknownThingError: if the folder has no records.
    """
    if not (path := folder / "records.ndjson").is_file():
        raise UnknownThingError(f"There is no records.ndjson in {folder}.")
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            facts = json.loads(line)["facts"]
            if "parts" in (what := facts.get("what") or {}):
                yield UUID(what["record_id"])


def _ask(statement: str) -> list[str]:
    wrapped = f"SELECT (rows.one)::text FROM ({statement}) AS rows (one)"
    return list(db.session.connection().exec_driver_sql(wrapped).scalars())


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    size: int
    records: int


def export_book(
    folder: Path, keys: Sequence[str], *, progress: Callable[[int], None] = lambda _: None
) -> Exported:
    """Write the whole book to a new folder, from one snapshot.

    The folder has its name when everything is in it, and not before.

    Args:
        folder: must not be there yet.
        keys: the public keys to add.
        progress: called now and then with the number of leaves written.

    Raises:
        ConflictError: if the folder is there.
        NotSealedError: if nothing is sealed yet.
    """
    if folder.exists():
        raise ConflictError(f"{folder} is there already: name a new folder.")
    with snapshot(db.session):
        folder.parent.mkdir(parents=True, exist_ok=True)
        # For its owner only: it has everything that was asked and answered.
        draft = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
        exported = _Export(draft, newest_checkpoint(), keys).write(progress)
        draft.rename(folder)
        return exported


class _Export:
    def __init__(self, folder: Path, checkpoint: LedgerCheckpoint, keys: Sequence[str]) -> None:
        self._folder, self._checkpoint, self._keys = folder, checkpoint, keys
        self._size = checkpoint.size
        self._digests: dict[str, str] = {}

    def write(self, progress: Callable[[int], None]) -> Exported:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        records = self._write_lines("records.ndjson", self._entries(progress))
        self._write_tiles()
        self._write_lines("checkpoints.ndjson", self._checkpoints())
        self._write("checkpoint", self._checkpoint.note)
        self._write("keys", "".join(f"{key}\n" for key in self._keys))
        self._write("README.txt", _README.format(size=f"{self._size:,}", at=at))
        manifest = {
            "exported_at": at, "size": self._size, "root": self._checkpoint.root.hex(),
            "records": records, "sha256": self._digests,
        }  # fmt: skip
        self._write("manifest.json", json.dumps(manifest, indent=2) + "\n")
        return Exported(self._size, records)

    def _entries(self, progress: Callable[[int], None]) -> Iterator[str]:
        """Write the bundles of entries; yield the records."""
        entries: list[bytes] = []
        bundle = 0
        for leaf in Database(_ask).leaves():
            if leaf.place // WIDTH != bundle:
                self._write_bundle(bundle, entries)
                bundle = leaf.place // WIDTH
            entries.append(leaf.entry)
            if leaf.record is not None:
                yield json.dumps({"index": leaf.place} | leaf.record, ensure_ascii=False)
            if (leaf.place + 1) % _REPORT_EVERY == 0 or leaf.place + 1 == self._size:
                progress(leaf.place + 1)
        self._write_bundle(bundle, entries)

    def _write_bundle(self, number: int, entries: list[bytes]) -> None:
        """Write a bundle of entries, as many as are there, and forget them."""
        if entries:
            self._write_tile("entries", number, tiles.bundle(entries), len(entries))
            entries.clear()

    def _write_tiles(self) -> None:
        level = 0
        while self._size >> 8 * level:
            count = self._size >> 8 * level
            for first in range(0, -(-count // WIDTH), WIDTH):
                for tile in db.session.execute(text(_TILES), {"level": level, "first": first}):
                    width = min(WIDTH, count - tile.number * WIDTH)
                    if width > 0:
                        hashes = bytes(tile.hashes)[: width * HASH_BYTES]
                        self._write_tile(level, tile.number, hashes, width)
            level += 1

    def _checkpoints(self) -> Iterator[str]:
        query = select(LedgerCheckpoint).order_by(LedgerCheckpoint.size)
        for one in db.session.scalars(query.execution_options(yield_per=1000)):
            yield json.dumps({"size": one.size, "note": one.note}, ensure_ascii=False)

    def _write_tile(self, level: int | str, number: int, data: bytes, width: int) -> None:
        path = self._folder / "tile" / tiles.path_of(level, number, width)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def _write(self, name: str, content: str) -> None:
        self._digests[name] = hashlib.sha256(content.encode()).hexdigest()
        (self._folder / name).write_text(content, encoding="utf-8")

    def _write_lines(self, name: str, lines: Iterator[str]) -> int:
        digest, count = hashlib.sha256(), 0
        with (self._folder / name).open("wb") as file:
            for line in lines:
                data = line.encode() + b"\n"
                digest.update(data)
                file.write(data)
                count += 1
        self._digests[name] = digest.hexdigest()
        return count
