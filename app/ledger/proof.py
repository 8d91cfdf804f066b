"""Inclusion proofs as text that anyone can check offline (https://c2sp.org/tlog-proof)."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.ledger.checkpoint import Checkpoint
from app.ledger.strict_text import (
    FormatError,
    decode_base64,
    encode_base64,
    read_hash,
    read_number,
)

HEADER = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 64


@dataclass(frozen=True)
class Proof:
    """The entry is leaf `index` of the tree that the checkpoint tells of.

    `entry` is the leaf itself, the record's envelope: the format's extra data. `checkpoint` is the
    signed note, byte for byte. Nothing of it is verified here.
    """

    entry: bytes
    index: int
    hashes: Sequence[bytes]
    checkpoint: bytes

    def to_text(self) -> str:
        """Return the proof as it is kept in a `.tlog-proof` file."""
        lines = [HEADER, f"extra {encode_base64(self.entry)}", f"index {self.index}"]
        lines += [encode_base64(one) for one in self.hashes]
        return "\n".join(lines) + "\n\n" + self.checkpoint.decode()

    @classmethod
    def from_text(cls, text: str) -> "Proof":
        """Read a proof.

        Raises:
            FormatError: which rule broke.
        """
        head, separator, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines[0] != HEADER:
            raise FormatError(
                f"not a proof: the first line is not {HEADER}, or there is no checkpoint"
            )
        if len(lines) < 3 or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
            raise FormatError("the lines `extra …` and `index …` are missing")
        proof = cls(
            entry=decode_base64(lines[1].removeprefix("extra ")),
            index=read_number(lines[2].removeprefix("index ")),
            hashes=[read_hash(line) for line in lines[3 : 4 + MOST_HASHES]],
            checkpoint=checkpoint.encode(),
        )
        proof._check_size()
        return proof

    def _check_size(self) -> None:
        if len(self.hashes) > MOST_HASHES:
            raise FormatError(f"more than {MOST_HASHES} hashes")
        if self.index >= (size := Checkpoint.from_note(self.checkpoint).size):
            raise FormatError(f"leaf {self.index} is not in a tree of {size}")
