"""Commitments to the erasable parts of a record.

A commitment binds a part without revealing it: with the salt anyone can check it, and once salt
and part are erased, nothing can be learned from it (HMAC-SHA-256 as a hiding commitment).
"""

from hashlib import sha256

SALT_BYTES = 32
_PREFIX = b"daybook-commit-v1\x00"
# HMAC as RFC 2104 writes it, for keys of one length: `hmac.digest` lets other threads run in the middle of a
# batch, and `hmac.new` makes six calls for each record.
_FILL = bytes(64 - SALT_BYTES)
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def commit(part_name: str, part: bytes, salt: bytes) -> bytes:
    """Return `HMAC-SHA-256(salt, "daybook-commit-v1" ‖ 0x00 ‖ part name ‖ 0x00 ‖ part)`, 32 bytes.

    Raises:
        ValueError: if the salt has not exactly `SALT_BYTES` bytes: HMAC pads shorter keys, so two
            salts could stand for one key.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    message = _PREFIX + part_name.encode("ascii") + b"\x00" + part
    block = salt + _FILL
    return sha256(
        block.translate(_OUTER) + sha256(block.translate(_INNER) + message).digest()
    ).digest()
