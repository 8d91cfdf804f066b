"""Checkpoints: the tree's size and root as the text of a signed note (https://c2sp.org/tlog-checkpoint)."""

from dataclasses import dataclass

from app.ledger.notes import SignedNote
from app.ledger.strict_text import (
    FormatError,
    check_name,
    encode_base64,
    read_hash,
    read_number,
)


@dataclass(frozen=True)
class Checkpoint:
    """The book `origin` has `size` leaves, and this root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def to_text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"

    @classmethod
    def from_text(cls, text: str) -> "Checkpoint":
        """Read the text of a note. Extension lines are refused: the book writes none.

        Raises:
            FormatError: which rule broke.
        """
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise FormatError("a checkpoint has three lines")
        return cls(check_name(lines[0]), read_number(lines[1]), read_hash(lines[2]))

    @classmethod
    def from_note(cls, data: bytes) -> "Checkpoint":
        """Read a signed note's text. Its signatures are not checked here.

        Raises:
            FormatError: which rule broke.
        """
        return cls.from_text(SignedNote.from_bytes(data).text)
