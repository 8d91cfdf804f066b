"""Public keys of those who sign notes, as text (https://c2sp.org/signed-note)."""

import hashlib
from dataclasses import dataclass

from app.ledger.strict_text import FormatError, check_name, decode_base64, encode_base64

_ED25519 = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 4


@dataclass(frozen=True)
class PublicKey:
    """An Ed25519 public key (32 bytes) and the name of its owner."""

    name: str
    key: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of `SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key)`."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:_ID_BYTES]

    def to_text(self) -> str:
        """Return `name+id+key`, the id in hexadecimal digits and the key in base64."""
        return f"{self.name}+{self.id.hex()}+{encode_base64(_ED25519 + self.key)}"

    @classmethod
    def from_text(cls, text: str) -> "PublicKey":
        """Read what `to_text` writes.

        Raises:
            FormatError: if it is something else.
        """
        name, _, rest = text.partition("+")
        identifier, _, encoded = rest.partition("+")
        kind_and_key = decode_base64(encoded)
        if kind_and_key[:1] != _ED25519 or len(kind_and_key) != 1 + _KEY_BYTES:
            raise FormatError("a key is not an Ed25519 key of 32 bytes")
        key = cls(check_name(name), kind_and_key[1:])
        if identifier != key.id.hex():
            raise FormatError("a key's id is not the one of its name and bytes")
        return key
