"""One proof file: the record's envelope is in the book that the checkpoint tells of (C2SP tlog-proof)."""

from dataclasses import dataclass
from typing import Any

from .errors import Rejected
from .merkle import hash_leaf, verify_inclusion
from .notes import (
    Checkpoint,
    Key,
    open_checkpoint,
    parse_base64,
    parse_hash,
    parse_number,
)
from .records import check_parts, compare, read_envelope

_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class Proven:
    """What a proof shows: this envelope is leaf `index` of the book at this checkpoint."""

    envelope: dict[str, Any]
    leaf: bytes
    index: int
    checkpoint: Checkpoint


def verify_proof(text: str, keys: frozenset[Key]) -> Proven:
    """Check a proof.

    Raises:
        Rejected: why it proves nothing.
    """
    entry, index, hashes, note = _parse(text)
    checkpoint = open_checkpoint(note, keys)
    leaf = hash_leaf(entry)
    verify_inclusion(leaf, index, checkpoint.size, hashes, checkpoint.root)
    return Proven(read_envelope(entry), leaf, index, checkpoint)


def verify_record(proven: Proven, record: dict[str, Any]) -> None:
    """Check that a record is the one that was proven, and that its parts are what was committed to.

    Raises:
        Rejected: what differs.
    """
    faults = [*compare(proven.envelope, record), *check_parts(proven.envelope, record)]
    if faults:
        raise Rejected("; ".join(faults))


def _parse(text: str) -> tuple[bytes, int, list[bytes], bytes]:
    head, empty, note = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != _HEADER or not empty:
        raise Rejected(f"this is no proof: it does not begin with {_HEADER}, or has no checkpoint")
    fields = [line.split(" ") for line in lines[1:3]]
    if [field[0] for field in fields] != ["extra", "index"] or any(len(f) != 2 for f in fields):
        raise Rejected("the second and third line of a proof are `extra BASE64` and `index NUMBER`")
    hashes = [parse_hash(line) for line in lines[3:]]
    return parse_base64(fields[0][1]), parse_number(fields[1][1]), hashes, note.encode()
