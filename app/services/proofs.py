"""What the book proves: where a record is in it, and the proofs, tiles and records that show it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select, text

from app.extensions import db
from app.ledger import merkle, tiles
from app.ledger.proof import Proof
from app.ledger.tiles import WIDTH, Place, Tile
from app.models import (
    LedgerEntry,
    LedgerFinding,
    LedgerHead,
    LedgerTile,
    Prediction,
    ledger_pending,
)
from app.sealer.tree import StoredTree
from app.services.errors import DamagedBookError, NotSealedError, UnknownThingError, invalid_query
from app.services.ledger import newest_checkpoint
from verifier.database import JOINS, RECORD
from verifier.records import check_parts, compare, read_envelope, read_record

_ONE = f"""
SELECT ({RECORD})::text FROM (SELECT CAST(:kind AS text) AS kind, CAST(:id AS uuid) AS record_id) AS e {JOINS}
"""


class SealState(StrEnum):
    """Whether a record is in the book."""

    SEALED = "sealed"
    PENDING = "pending"
    MISMATCH = "mismatch"


@dataclass(frozen=True, kw_only=True)
class Seal:
    """Where a record is in the book: its leaf and the newest checkpoint, once it is sealed.

    `fault` says what is wrong, for people.
    """

    state: SealState
    index: int | None = None
    size: int | None = None
    fault: str | None = None


def proof_of(record_id: UUID) -> Proof:
    """Return the proof that a record is in the book of the newest checkpoint.

    Raises:
        NotSealedError: if it waits to be sealed.
        UnknownThingError: if it neither is in the book nor waits.
        DamagedBookError: if a tile is missing.
    """
    entry = entry_of(record_id)
    checkpoint = newest_checkpoint()
    tree = StoredTree(_read_tile, checkpoint.size)
    return Proof(
        entry=entry.envelope,
        index=entry.index,
        hashes=merkle.inclusion_proof(entry.index, checkpoint.size, tree.node),
        checkpoint=checkpoint.note.encode(),
    )


def find_entry(record_id: UUID) -> LedgerEntry | None:
    """Return the entry of a record, None if it is not in the book."""
    return db.session.scalar(select(LedgerEntry).where(LedgerEntry.record_id == record_id))


def leaves_of(record_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the leaves of those records that are in the book."""
    query = select(LedgerEntry.record_id, LedgerEntry.index)
    found = db.session.execute(query.where(LedgerEntry.record_id.in_(record_ids)))
    return {record_id: index for record_id, index in found}  # noqa: C416 (rows are no pairs to mypy)


def entry_of(record_id: UUID) -> LedgerEntry:
    """Return the entry of a record.

    Raises:
        NotSealedError: if it waits to be sealed.
        UnknownThingError: if it neither is in the book nor waits.
    """
    if (entry := find_entry(record_id)) is not None:
        return entry
    if _waits(record_id):
        raise NotSealedError("The record waits to be sealed; that takes a few seconds.")
    raise UnknownThingError("There is no such record in the book, and none that waits.")


def seal_of(record: Prediction) -> Seal:
    """Return whether a record is in the book, as it is stored now."""
    if (entry := find_entry(record.id)) is not None:
        return _compare(record, entry)
    if finding := db.session.get(LedgerFinding, record.id):
        return Seal(state=SealState.MISMATCH, fault=finding.what)
    if _waits(record.id):
        return Seal(state=SealState.PENDING)
    return Seal(
        state=SealState.MISMATCH, fault="the record neither is in the book nor waits to be sealed"
    )


def record_document(kind: str, record_id: UUID) -> bytes:
    """Return a record with the very texts of its parts, as the verifier reads it.

    Raises:
        UnknownThingError: if there is none.
    """
    found = db.session.scalar(text(_ONE), {"kind": kind, "id": record_id})
    if found is None:
        raise UnknownThingError("There is no such record.")
    return str(found).encode()


def consistency_proof(old: int, new: int) -> list[bytes]:
    """Return the proof that the book of size `old` is the beginning of the one of size `new`.

    Raises:
        InvalidQueryError: unless 0 < old <= new <= the size of the book.
    """
    size = db.session.get_one(LedgerHead, 1).size
    if not new <= size:
        raise invalid_query("to", f"The book has {size} leaves.")
    if not 0 < old <= new:
        raise invalid_query(
            "from", "Give a size of 1 or more that is not larger than the other one."
        )
    return merkle.consistency_proof(old, new, StoredTree(_read_tile, new).node)


def read_tile_at(path: str) -> bytes:
    """Return the tile or the bundle of entries of a path; see `app.ledger.tiles.path_of`.

    Raises:
        UnknownThingError: if there is none, or it is not as wide.
    """
    try:
        level, number, width = tiles.read_path(path)
    except tiles.TilePathError as error:
        raise UnknownThingError(f"There is no such tile: {error}.") from None
    if isinstance(level, str):
        return _read_bundle(number, width)
    if (tile := db.session.get(LedgerTile, (level, number))) is None:
        raise UnknownThingError("There is no such tile yet.")
    if len(tile.hashes) < width * merkle.HASH_BYTES:
        raise UnknownThingError("The tile is not as wide yet.")
    return tile.hashes[: width * merkle.HASH_BYTES]


def _compare(record: Prediction, entry: LedgerEntry) -> Seal:
    size = newest_checkpoint().size
    if merkle.leaf_hash(entry.envelope) != _leaf_hash_at(entry.index):
        fault = "the entry is not what was sealed"
    elif faults := _faults(record, entry):
        fault = f"the record is not what was sealed: {'; '.join(faults)}"
    else:
        return Seal(state=SealState.SEALED, index=entry.index, size=size)
    return Seal(state=SealState.MISMATCH, index=entry.index, size=size, fault=fault)


def _faults(record: Prediction, entry: LedgerEntry) -> list[str]:
    """Return what differs between a record, its texts too, and its leaf, by the verifier's code."""
    said = read_envelope(entry.envelope)
    stored = read_record(json.loads(record_document(entry.kind, record.id)))
    return [*compare(said, stored), *check_parts(said, stored)]


def _leaf_hash_at(index: int) -> bytes:
    return tiles.split(_read_tile((0, index // WIDTH)))[index % WIDTH]


def _waits(record_id: UUID) -> bool:
    query = select(ledger_pending.c.id).where(ledger_pending.c.id == record_id).limit(1)
    return db.session.scalar(query) is not None


def _read_tile(place: Place) -> Tile:
    if (tile := db.session.get(LedgerTile, place)) is None:
        raise DamagedBookError(f"Tile {place[1]} of level {place[0]} is missing.")
    return tile.hashes


def _read_bundle(number: int, width: int) -> bytes:
    first = number * WIDTH
    query = select(LedgerEntry.envelope).order_by(LedgerEntry.index)
    query = query.where(LedgerEntry.index >= first, LedgerEntry.index < first + width)
    entries = db.session.scalars(query).all()
    if len(entries) != width:
        raise UnknownThingError("There are not as many entries yet.")
    return tiles.bundle(entries)
