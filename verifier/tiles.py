"""Tiles of 256 hashes (C2SP tlog-tiles), computed again from the leaves and compared with those stored."""

from collections.abc import Callable, Iterator

from .merkle import hash_children

WIDTH = 256


class Tiles:
    """Compares tiles as leaves are appended; keeps the unfinished tile of each level.

    Args:
        stored: returns a stored tile by level and number, None if it is not there.
    """

    def __init__(self, stored: Callable[[int, int], bytes | None]) -> None:
        self._stored = stored
        self._open: list[list[bytes]] = []
        self._done: list[int] = []

    def append(self, leaf: bytes) -> Iterator[str]:
        """Append a leaf hash; yield what is wrong with tiles that it completes."""
        level, new = 0, leaf
        while True:
            if level == len(self._open):
                self._open.append([])
                self._done.append(0)
            tile = self._open[level]
            tile.append(new)
            if len(tile) < WIDTH:
                return
            yield from self._compare(level)
            new = _root(tile)
            self._open[level] = []
            self._done[level] += 1
            level += 1

    def finish(self) -> Iterator[str]:
        """Yield what is wrong with the unfinished tiles."""
        for level, tile in enumerate(self._open):
            if tile:
                yield from self._compare(level)

    def _compare(self, level: int) -> Iterator[str]:
        number, expected = self._done[level], b"".join(self._open[level])
        if (found := self._stored(level, number)) is None:
            yield f"tile {number} of level {level} is missing"
        elif found != expected:
            yield f"tile {number} of level {level} is not what the leaves make{_where(level, number, found, expected)}"


def _where(level: int, number: int, found: bytes, expected: bytes) -> str:
    """Say which leaf it is, or is not: what was sealed and what is stored differ there first."""
    if level:
        return ""
    if len(found) != len(expected):
        return f": it has {len(found) // 32} hashes for {len(expected) // 32} leaves"
    places = range(0, len(expected), 32)
    first = next(at for at in places if found[at : at + 32] != expected[at : at + 32])
    return f", first at leaf {number * WIDTH + first // 32}"


def _root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [hash_children(left, right) for left, right in pairs]
    return hashes[0]


def path(level: int | str, number: int, width: int = WIDTH) -> str:
    """Return the path of a tile, or of a bundle of entries (level "entries"), below the book's folder."""
    groups = []
    while True:
        groups.append(f"{number % 1000:03d}")
        number //= 1000
        if not number:
            break
    name = "/".join([*(f"x{group}" for group in reversed(groups[1:])), groups[0]])
    return f"tile/{level}/{name}" + (f".p/{width}" if width < WIDTH else "")
