"""The Merkle tree of RFC 9162 section 2.1, on the side of the one who proves.

All functions are pure. They ask for hashes of perfect subtrees with a function: `node(level, number)` is
the hash of the leaves from `number * 2**level` to `(number + 1) * 2**level`. A tree of any size is made of
a few of those, so a proof needs no more than about twice the logarithm of the size.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
Node = Callable[[int, int], bytes]


class TreeRangeError(ValueError):
    """An index or a size is not in the tree; the message says which."""


def leaf_hash(entry: bytes) -> bytes:
    """Return `SHA-256(0x00 ‖ entry)`, 32 bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return `SHA-256(0x01 ‖ left ‖ right)`, 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over 2**n hashes of one level."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [node_hash(left, right) for left, right in pairs]
    return hashes[0]


def root(size: int, node: Node) -> bytes:
    """Return the Merkle Tree Hash of the first `size` leaves (section 2.1.1)."""
    if size < 0:
        raise TreeRangeError("a size is negative")
    return _range_hash(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Return the hashes that lead from leaf `index` to the root at `size`, lowest first (section 2.1.3.1).

    Raises:
        TreeRangeError: unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise TreeRangeError(f"leaf {index} is not in a tree of {size}")
    return list(_path(index, 0, size, node))


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """Return the hashes that show the tree of `old` leaves to begin the one of `new` (section 2.1.4.1).

    Raises:
        TreeRangeError: unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise TreeRangeError(f"a tree of {old} does not begin one of {new}")
    return list(_subproof(old, 0, new, node, is_whole=True))


def _path(index: int, start: int, end: int, node: Node) -> Iterator[bytes]:
    if end - start == 1:
        return
    middle = start + _split(end - start)
    if index < middle:
        yield from _path(index, start, middle, node)
        yield _range_hash(middle, end, node)
    else:
        yield from _path(index, middle, end, node)
        yield _range_hash(start, middle, node)


def _subproof(old: int, start: int, end: int, node: Node, *, is_whole: bool) -> Iterator[bytes]:
    if old == end:
        if not is_whole:
            yield _range_hash(start, end, node)
        return
    middle = start + _split(end - start)
    if old <= middle:
        yield from _subproof(old, start, middle, node, is_whole=is_whole)
        yield _range_hash(middle, end, node)
    else:
        yield from _subproof(old, middle, end, node, is_whole=False)
        yield _range_hash(start, middle, node)


def _range_hash(start: int, end: int, node: Node) -> bytes:
    """Return the hash over the leaves from `start` to `end`; what is left of the largest split is perfect."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(count)
    return node_hash(_range_hash(start, middle, node), _range_hash(middle, end, node))


def _split(count: int) -> int:
    """Return the largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)
