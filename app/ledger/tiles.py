"""The tree in tiles of 256 hashes, as C2SP tlog-tiles stores and serves it (https://c2sp.org/tlog-tiles).

A tile of level 0 has leaf hashes, one of level n the roots of full tiles of level n - 1. Tiles only grow:
full ones never change again. The partial tiles at the right edge are all that is needed to append.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from app.ledger.merkle import HASH_BYTES, Node, fold

WIDTH = 256
_HEIGHT = 8
_BYTES = WIDTH * HASH_BYTES
_LARGEST_ENTRY = 2**16 - 1
_PATH = re.compile(
    r"(\d|[1-5]\d|6[0-3]|entries)/((?:x\d{3}/){0,5}\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII
)

#: Level and number of a tile.
Place = tuple[int, int]
#: The hashes of a tile, one after another: at most 8,192 bytes.
Tile = bytes


class TilePathError(ValueError):
    """The path names no tile; the message says why."""


def append(size: int, leaves: Sequence[bytes], edge: Mapping[int, Tile]) -> dict[Place, Tile]:
    """Return the tiles that change when leaf hashes are appended to a tree of `size`.

    Args:
        size: how many leaves there are.
        leaves: the hashes of the new ones.
        edge: the partial tile of each level that has one; see `edge_of`.
    """
    changed: dict[Place, Tile] = {}
    level, before, new = 0, size, list(leaves)
    while new:
        number = before // WIDTH
        hashes = edge.get(level, b"") + b"".join(new)
        tiles = [hashes[at : at + _BYTES] for at in range(0, len(hashes), _BYTES)]
        changed |= {(level, number + n): tile for n, tile in enumerate(tiles)}
        new = [fold(split(tile)) for tile in tiles if len(tile) == _BYTES]
        level, before = level + 1, number
    return changed


def edge_of(size: int) -> list[Place]:
    """Return the places of the partial tiles of a tree."""
    places, level = [], 0
    while size:
        if size % WIDTH:
            places.append((level, size // WIDTH))
        size, level = size // WIDTH, level + 1
    return places


def nodes_of(tile: Callable[[Place], Tile]) -> Node:
    """Return the function that finds hashes of perfect subtrees, reading tiles with `tile`."""

    def node(level: int, number: int) -> bytes:
        rest = level % _HEIGHT
        first = number << rest
        hashes = split(tile((level // _HEIGHT, first // WIDTH)))
        return fold(hashes[first % WIDTH : first % WIDTH + (1 << rest)])

    return node


def split(tile: Tile) -> list[bytes]:
    """Return the hashes of a tile."""
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return entries as a bundle holds them: each after its length in two bytes, the higher first.

    Raises:
        ValueError: if one is longer than 65,535 bytes.
    """
    parts = []
    for entry in entries:
        if len(entry) > _LARGEST_ENTRY:
            raise ValueError(f"an entry has {len(entry)} bytes, more than {_LARGEST_ENTRY}")
        parts += [len(entry).to_bytes(2, "big"), entry]
    return b"".join(parts)


def path_of(level: int | str, number: int, width: int = WIDTH) -> str:
    """Return where a tile or a bundle (level "entries") is served, below `tile/`."""
    digits = f"{number:d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    partial = "" if width == WIDTH else f".p/{width}"
    return f"{level}/" + "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]]) + partial


def read_path(path: str) -> tuple[int | str, int, int]:
    """Return level, number and width of what a path below `tile/` names.

    Raises:
        TilePathError: unless it is written as `path_of` writes it.
    """
    if not (found := _PATH.fullmatch(path)):
        raise TilePathError("not LEVEL/NUMBER or LEVEL/NUMBER.p/WIDTH")
    level: int | str = found[1] if found[1] == "entries" else int(found[1])
    number, width = int(re.sub(r"\D", "", found[2])), int(found[3] or WIDTH)
    if path != path_of(level, number, width) or (found[3] and width >= WIDTH):
        raise TilePathError("a number has digits that it does not need, or a width is over 255")
    return level, number, width
