"""The private keys that sign checkpoints. They are in a file or a setting, never in the database."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.ledger.keys import PublicKey
from app.ledger.notes import Signature
from app.ledger.strict_text import FormatError, check_name, decode_base64, encode_base64

_HEADER = "PRIVATE+KEY"
_ED25519 = b"\x01"
_SEED_BYTES = 32


class SigningKeyError(Exception):
    """There is no key to sign with, or it is not safe where it is; the message says what to do."""


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 private key and the name of the book that it signs for."""

    name: str
    private: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str) -> "SigningKey":
        """Return a new key.

        Raises:
            FormatError: if the name is empty, or has a space or a plus sign.
        """
        return cls(check_name(name), Ed25519PrivateKey.generate())

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey(self.name, self.private.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        """Return this key's signature line of a text (RFC 8032)."""
        return Signature(self.name, self.public.id, self.private.sign(text.encode()))

    def to_text(self) -> str:
        """Return the key as Go's note package writes private keys: it must be kept secret."""
        seed = encode_base64(_ED25519 + self.private.private_bytes_raw())
        return f"{_HEADER}+{self.name}+{self.public.id.hex()}+{seed}"

    @classmethod
    def from_text(cls, text: str) -> "SigningKey":
        """Read what `to_text` writes.

        Raises:
            FormatError: if it is something else; the message has nothing of it.
        """
        if not text.startswith(f"{_HEADER}+"):
            raise FormatError(f"a private key begins with {_HEADER}+")
        name, _, rest = text.removeprefix(f"{_HEADER}+").partition("+")
        identifier, _, encoded = rest.partition("+")
        seed = decode_base64(encoded)
        if seed[:1] != _ED25519 or len(seed) != 1 + _SEED_BYTES:
            raise FormatError("a private key is not an Ed25519 seed of 32 bytes")
        key = cls(check_name(name), Ed25519PrivateKey.from_private_bytes(seed[1:]))
        if identifier != key.public.id.hex():
            raise FormatError("a private key's id is not the one of its name and bytes")
        return key


def new_name() -> str:
    """Return a name for a book that no other has."""
    return f"daybook-{secrets.token_hex(4)}.local/log/1"


class KeyStore:
    """The private keys of this installation, one on a line, the newest last.

    Where a private key is not needed any more, its public half stands in its line: what it has signed is
    still to be verified.

    Args:
        path: the file that holds them; only its owner may read it.
        given: the keys themselves, from the settings; then there is no file.
        makes_first: whether to make the first key when it is needed, instead of asking for one.
    """

    def __init__(self, path: Path, *, given: str = "", makes_first: bool = False) -> None:
        self.path = path
        self._makes_first = makes_first
        self.is_given = bool(given)
        self._given = given

    def all(self) -> list[SigningKey]:
        """Return all private keys.

        Raises:
            SigningKeyError: if others may read the file, or a line is no key.
        """
        return [key for key in self._keys() if isinstance(key, SigningKey)]

    def publics(self) -> list[PublicKey]:
        """Return all public keys: those of the private ones, and those that stand alone.

        Raises:
            SigningKeyError: see `all`.
        """
        return [key.public if isinstance(key, SigningKey) else key for key in self._keys()]

    def _keys(self) -> list[SigningKey | PublicKey]:
        try:
            return [
                SigningKey.from_text(line)
                if line.startswith(f"{_HEADER}+")
                else PublicKey.from_text(line)
                for line in self._text().split()
            ]
        except FormatError as error:
            place = "DAYBOOK_LEDGER_KEY" if self.is_given else self.path
            raise SigningKeyError(f"{place}: {error}.") from None

    def find(self, public: PublicKey) -> SigningKey:
        """Return the private half of a key.

        Raises:
            SigningKeyError: if it is not here.
        """
        for key in self.all():
            if key.public == public:
                return key
        raise SigningKeyError(
            f"The private key of {public.name}+{public.id.hex()}, which signs this book, is not here."
            " Restore it, or see docs/operating.md on lost keys."
        )

    def newest(self) -> SigningKey:
        """Return the newest key, made now if there is none and this installation makes its first itself.

        Raises:
            SigningKeyError: if there is none.
        """
        if not (keys := self.all()) and self._makes_first and not self.is_given:
            self.add(SigningKey.generate(new_name()))
            keys = self.all()
        if not keys:
            raise SigningKeyError(
                "There is no key to sign with. Make one: manage.py ledger keys create"
            )
        return keys[-1]

    def add(self, key: SigningKey) -> None:
        """Keep a further key; when this returns it is on the disk.

        Raises:
            SigningKeyError: if the keys come from the settings.
        """
        if self.is_given:
            raise SigningKeyError("The keys come from DAYBOOK_LEDGER_KEY: add the new one there.")
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(key.to_text() + "\n")
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _text(self) -> str:
        if self.is_given:
            return self._given
        try:
            mode = self.path.stat().st_mode
        except FileNotFoundError:
            return ""
        if mode & 0o077:
            raise SigningKeyError(f"Others may read {self.path}. Run: chmod 600 {self.path}")
        return self.path.read_text()
