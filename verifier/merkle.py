"""The Merkle tree of RFC 9162 section 2.1, on the side of the one who checks."""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from .errors import Rejected

MOST_HASHES = 64
_HASH = 32


def hash_leaf(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + entry).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node above two others."""
    return sha256(b"\x01" + left + right).digest()


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf hash is at `index` of the tree with this size and root (section 2.1.3.2).

    Raises:
        Rejected: if it is not, or the proof does not fit the tree.
    """
    _check_shape(proof, leaf, root)
    if not 0 <= index < size:
        raise Rejected(f"leaf {index} is not in a tree of {size}")
    computed = leaf
    for sibling, is_left in _walk(index, size - 1, proof):
        computed = hash_children(sibling, computed) if is_left else hash_children(computed, sibling)
    if computed != root:
        raise Rejected("the inclusion proof leads to another root")


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check that the tree of `old` leaves is the beginning of the one of `new` (section 2.1.4.2).

    Raises:
        Rejected: if it is not, or the proof does not fit the trees.
    """
    _check_shape(proof, old_root, new_root)
    if not 0 <= old <= new:
        raise Rejected(f"a tree of {old} does not begin one of {new}")
    if old in (0, new):
        _check_trivial(old, proof, old_root, new_root)
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise Rejected("the consistency proof is empty")
    below = (old & -old).bit_length() - 1
    older = newer = path[0]
    for sibling, is_left in _walk((old - 1) >> below, (new - 1) >> below, path[1:]):
        if is_left:
            older, newer = hash_children(sibling, older), hash_children(sibling, newer)
        else:
            newer = hash_children(newer, sibling)
    if (older, newer) != (old_root, new_root):
        raise Rejected("the consistency proof leads to other roots")


def _walk(number: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Go up from the node `number` of a level that ends with `last`; yield each sibling, and whether it is left."""
    for sibling in proof:
        if last == 0:
            raise Rejected("the proof has too many hashes")
        is_left = bool(number % 2) or number == last
        yield sibling, is_left
        while is_left and number % 2 == 0 and number:
            number, last = number // 2, last // 2
        number, last = number // 2, last // 2
    if last:
        raise Rejected("the proof has too few hashes")


def _check_trivial(old: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    if proof:
        raise Rejected("the consistency proof should be empty")
    if (sha256(b"").digest() if old == 0 else new_root) != old_root:
        raise Rejected(
            "the roots of trees of the same size differ" if old else "a wrong empty root"
        )


def _check_shape(proof: Sequence[bytes], *hashes: bytes) -> None:
    if len(proof) > MOST_HASHES:
        raise Rejected(f"a proof has more than {MOST_HASHES} hashes")
    if any(len(one) != _HASH for one in (*proof, *hashes)):
        raise Rejected(f"a hash has not {_HASH} bytes")


class Tree:
    """A tree that grows by one leaf at a time; it keeps one hash for each bit of its size."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Append a leaf hash."""
        size = self.size
        while size % 2:
            leaf = hash_children(self._peaks.pop(), leaf)
            size //= 2
        self._peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over what was appended."""
        if not self._peaks:
            return sha256(b"").digest()
        *others, root = self._peaks
        for peak in reversed(others):
            root = hash_children(peak, root)
        return root
