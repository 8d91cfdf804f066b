"""The tree as it is stored: tiles in the database."""

from collections.abc import Callable, Sequence

from psycopg2.extensions import Binary
from psycopg2.extensions import cursor as Cursor

from app.ledger import merkle, tiles
from app.ledger.merkle import Node
from app.ledger.tiles import Place, Tile

_READ = "SELECT hashes FROM ledger_tiles WHERE level = %s AND number = %s"
_WRITE = """
INSERT INTO ledger_tiles (level, number, hashes)
SELECT * FROM unnest(%s::int[], %s::bigint[], %s::bytea[])
ON CONFLICT (level, number) DO UPDATE SET hashes = EXCLUDED.hashes
"""


class MissingTileError(Exception):
    """A tile that the tree must have is not stored."""


class StoredTree:
    """The tree of some size: gives hashes and proofs, and grows.

    Args:
        read: reads one tile.
        size: how many leaves it has.
    """

    def __init__(self, read: Callable[[Place], Tile], size: int) -> None:
        self.size = size
        self._read = read
        self._known: dict[Place, Tile] = {}

    @property
    def node(self) -> Node:
        """The function that finds hashes of perfect subtrees."""
        return tiles.nodes_of(self.tile)

    def tile(self, place: Place) -> Tile:
        """Return a tile, which may hold more hashes than this tree's size has."""
        if place not in self._known:
            self._known[place] = self._read(place)
        return self._known[place]

    def root(self) -> bytes:
        """Return the tree's root."""
        return merkle.root(self.size, self.node)

    def append(self, leaves: Sequence[bytes]) -> dict[Place, Tile]:
        """Append leaf hashes; return the tiles that changed."""
        edge = {place[0]: self.tile(place) for place in tiles.edge_of(self.size)}
        changed = tiles.append(self.size, leaves, edge)
        self._known |= changed
        self.size += len(leaves)
        return changed


def stored_tree(cursor: Cursor, size: int) -> StoredTree:
    """Return the tree of the first `size` leaves."""

    def read(place: Place) -> Tile:
        cursor.execute(_READ, place)
        if (row := cursor.fetchone()) is None:
            raise MissingTileError(f"tile {place[1]} of level {place[0]} is missing")
        return bytes(row[0])

    return StoredTree(read, size)


def write_tiles(cursor: Cursor, changed: dict[Place, Tile]) -> None:
    """Store tiles; the database refuses to change what they have."""
    levels, numbers = zip(*changed, strict=True)
    cursor.execute(
        _WRITE, (list(levels), list(numbers), [Binary(tile) for tile in changed.values()])
    )
