"""Keys, signed notes and checkpoints of C2SP, read strictly: signed-note, tlog-checkpoint."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .errors import Rejected

_MOST_BYTES = 1_000_000
_MOST_SIGNATURES = 16
_MOST_DIGITS = 19


@dataclass(frozen=True)
class Key:
    """Whose signatures count: an Ed25519 public key and its name."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read `name+id+base64`.

        Raises:
            Rejected: if it is something else.
        """
        fields = text.strip().split("+", 2)
        if len(fields) != 3:
            raise Rejected("a public key is written NAME+ID+BASE64")
        name, identifier, encoded = fields
        raw = parse_base64(encoded)
        if len(raw) != 33 or raw[0] != 1:
            raise Rejected("this is not an Ed25519 public key")
        key = cls(_checked_name(name), raw[1:])
        if identifier != key.id.hex():
            raise Rejected("the id of a public key does not fit it")
        return key

    @property
    def id(self) -> bytes:
        """The id that stands in signatures, 4 bytes."""
        return sha256(self.name.encode() + b"\n\x01" + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([1]) + self.public).decode()}"

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's over the message (RFC 8032)."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Checkpoint:
    """Size and root (32 bytes) of a book, signed by `signers`, who were asked for."""

    origin: str
    size: int
    root: bytes
    signers: frozenset[Key]


def open_checkpoint(note: bytes, keys: frozenset[Key]) -> Checkpoint:
    """Read a checkpoint that at least one of the keys has signed.

    Raises:
        Rejected: which rule broke, or that no key has signed it, or that a signature is wrong.
    """
    text, signatures = _split_note(note)
    origin, size, root = _read_text(text)
    signers = set()
    for name, blob in signatures:
        for key in keys:
            if (key.name, key.id) == (name, blob[:4]):
                if not key.has_signed(text.encode(), blob[4:]):
                    raise Rejected(f"the signature of {key.name}+{key.id.hex()} is wrong")
                signers.add(key)
    if not signers:
        raise Rejected(
            f"the checkpoint of size {size} is signed by none of the keys that are trusted"
        )
    if origin not in {key.name for key in signers}:
        raise Rejected(f"the checkpoint is of another book, {origin}")
    return Checkpoint(origin, size, root, frozenset(signers))


def read_size(note: bytes) -> int:
    """Return the size that a checkpoint tells of, whoever signed it.

    Raises:
        Rejected: which rule broke.
    """
    return _read_text(_split_note(note)[0])[1]


def parse_base64(text: str) -> bytes:
    """Return what a base64 text stands for, if it is the one that does.

    Raises:
        Rejected: if it is not.
    """
    try:
        raw = b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise Rejected("base64 that cannot be read") from None
    if b64encode(raw).decode() != text:
        raise Rejected("base64 in a form that is not the usual one")
    return raw


def parse_number(text: str) -> int:
    """Return a size or an index.

    Raises:
        Rejected: if it is not in plain decimal digits, or has too many.
    """
    plain = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    if not plain or (text[0] == "0" and text != "0"):
        raise Rejected("a number is not in plain decimal digits")
    return int(text)


def parse_hash(text: str) -> bytes:
    """Return a hash of 32 bytes from base64.

    Raises:
        Rejected: if it is none.
    """
    raw = parse_base64(text)
    if len(raw) != 32:
        raise Rejected(f"a hash has {len(raw)} bytes instead of 32")
    return raw


def _split_note(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > _MOST_BYTES:
        raise Rejected(f"a note has more than {_MOST_BYTES:,} bytes")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise Rejected("a note is not UTF-8") from None
    if any(character < " " and character != "\n" for character in whole):
        raise Rejected("a note has a control character")
    end = whole.rfind("\n\n")
    if end < 0 or not whole.endswith("\n"):
        raise Rejected(
            "a note has no signatures after an empty line, or its last line does not end"
        )
    lines = whole[end + 2 : -1].split("\n")
    if len(lines) > _MOST_SIGNATURES:
        raise Rejected(f"a note has more than {_MOST_SIGNATURES} signatures")
    return whole[: end + 1], [_read_signature(line) for line in lines]


def _read_signature(line: str) -> tuple[str, bytes]:
    fields = line.split(" ")
    if len(fields) != 3 or fields[0] != "\u2014":
        raise Rejected("a signature line is not `— NAME BASE64`")
    blob = parse_base64(fields[2])
    if len(blob) < 5:
        raise Rejected("a signature is too short")
    return _checked_name(fields[1]), blob


def _read_text(text: str) -> tuple[str, int, bytes]:
    lines = text.split("\n")
    if len(lines) != 4:
        raise Rejected("a checkpoint has not three lines")
    return _checked_name(lines[0]), parse_number(lines[1]), parse_hash(lines[2])


def _checked_name(name: str) -> str:
    if not name or "+" in name or any(c.isspace() or c < " " for c in name):
        raise Rejected("a name is empty, or has a space or a plus sign")
    return name
