"""Signed notes (https://c2sp.org/signed-note): a text, an empty line, signatures."""

import re
from dataclasses import dataclass

from app.ledger.strict_text import FormatError, decode_base64, encode_base64

LARGEST_BYTES = 1_000_000
MOST_SIGNATURES = 16
_ID_BYTES = 4
_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True)
class Signature:
    """One signature line: who signed, with which key."""

    name: str
    key_id: bytes
    signature: bytes

    def to_text(self) -> str:
        """Return the line, without its end."""
        return f"— {self.name} {encode_base64(self.key_id + self.signature)}"


@dataclass(frozen=True)
class SignedNote:
    """A text, which ends with a newline, and its signatures. They are not checked here."""

    text: str
    signatures: tuple[Signature, ...]

    def to_text(self) -> str:
        """Return the note as it is published."""
        return self.text + "\n" + "".join(f"{one.to_text()}\n" for one in self.signatures)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SignedNote":
        """Read a note.

        Raises:
            FormatError: if a rule of the format is broken, or there is too much of something.
        """
        note = _decode(data)
        text, separator, lines = note.rpartition("\n\n")
        if not separator:
            raise FormatError("no empty line before signatures")
        if not lines.endswith("\n"):
            raise FormatError("the last line does not end")
        signatures = tuple(map(_read_signature, lines[:-1].split("\n")))
        if len(signatures) > MOST_SIGNATURES:
            raise FormatError(f"more than {MOST_SIGNATURES} signatures")
        return cls(text + "\n", signatures)


def _decode(data: bytes) -> str:
    if len(data) > LARGEST_BYTES:
        raise FormatError(f"more than {LARGEST_BYTES:,} bytes")
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError("not UTF-8") from None
    if _CONTROL.search(note):
        raise FormatError("a control character that is not a newline")
    return note


def _read_signature(line: str) -> Signature:
    if not (found := _LINE.fullmatch(line)):
        raise FormatError("a signature line is not `— name base64`")
    data = decode_base64(found[2])
    if len(data) <= _ID_BYTES:
        raise FormatError("a signature is too short")
    return Signature(found[1], data[:_ID_BYTES], data[_ID_BYTES:])
