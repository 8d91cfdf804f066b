"""Strict readers of what the book's text formats are made of: names, numbers, base64, hashes."""

import base64
import binascii
import re

from app.ledger.merkle import HASH_BYTES

_NAME = re.compile(r"[^\s+\x00-\x20]+")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


class FormatError(ValueError):
    """The text is not what it should be; the message says which rule broke."""


def check_name(name: str) -> str:
    """Return the name of a key.

    Raises:
        FormatError: if it is empty, or has a space or a plus sign.
    """
    if not _NAME.fullmatch(name):
        raise FormatError("a key's name is empty, or has a space or a plus sign")
    return name


def encode_base64(data: bytes) -> str:
    """Return the base64 text of bytes (RFC 4648 section 4)."""
    return base64.b64encode(data).decode()


def decode_base64(text: str) -> bytes:
    """Return the bytes of a base64 text.

    Raises:
        FormatError: if it is not the one text that stands for its bytes.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FormatError("not base64") from None
    if encode_base64(data) != text:
        raise FormatError("base64 that is not canonical")
    return data


def read_number(digits: str) -> int:
    """Read a size or an index.

    Raises:
        FormatError: unless it has decimal digits only, none too many, and is below 10**19.
    """
    if not _NUMBER.fullmatch(digits):
        raise FormatError("a size or an index is not a decimal number without leading zeros")
    return int(digits)


def read_hash(line: str) -> bytes:
    """Read a hash.

    Raises:
        FormatError: unless it is the base64 of 32 bytes.
    """
    if len(found := decode_base64(line)) != HASH_BYTES:
        raise FormatError(f"a hash has {len(found)} bytes, not {HASH_BYTES}")
    return found
