"""The tree: RFC 6962's known answers, and every size to 300 by prover and verifier, written apart."""

from functools import cache
from hashlib import sha256
from itertools import combinations, combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger import merkle, tiles
from verifier.errors import Rejected
from verifier.merkle import Tree, hash_leaf, verify_consistency, verify_inclusion

#: The leaves and roots of the test suite of Certificate Transparency's reference implementation.
KNOWN_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]  # fmt: skip
MOST = 300
LEAVES = [merkle.leaf_hash(str(number).encode()) for number in range(MOST)]


@cache
def node(level: int, number: int) -> bytes:
    return merkle.fold(LEAVES[number << level : (number + 1) << level])


@cache
def root_of(size: int) -> bytes:
    """The definition of RFC 9162 section 2.1.1, word for word."""

    def mth(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        split = 1
        while split * 2 < len(leaves):
            split *= 2
        return sha256(b"\x01" + mth(leaves[:split]) + mth(leaves[split:])).digest()

    return mth(LEAVES[:size]) if size else sha256(b"").digest()


def test_roots_are_those_of_certificate_transparency():
    known = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in KNOWN_LEAVES]
    tree = Tree()
    for size, (leaf, expected) in enumerate(zip(KNOWN_LEAVES, KNOWN_ROOTS, strict=True), start=1):
        tree.append(hash_leaf(bytes.fromhex(leaf)))
        by_range = merkle.root(
            size, lambda level, n: merkle.fold(known[n << level : (n + 1) << level])
        )
        assert by_range.hex() == tree.root().hex() == expected


def test_a_known_proof_is_made_and_accepted():
    """Certificate Transparency's example of leaf 2 (counted from 0) in a tree of 3."""
    known = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in KNOWN_LEAVES]
    proof = merkle.inclusion_proof(
        2, 3, lambda level, n: merkle.fold(known[n << level : (n + 1) << level])
    )
    assert [one.hex() for one in proof] == [KNOWN_ROOTS[1]]
    verify_inclusion(known[2], 2, 3, proof, bytes.fromhex(KNOWN_ROOTS[2]))


def test_roots_of_every_size_are_as_defined():
    tree = Tree()
    for size in range(MOST + 1):
        assert merkle.root(size, node) == tree.root() == root_of(size)
        assert tree.size == size
        if size < MOST:
            tree.append(LEAVES[size])


def test_every_leaf_of_every_size_is_proven():
    for index, size in combinations(range(MOST + 1), 2):
        proof = merkle.inclusion_proof(index, size, node)
        verify_inclusion(LEAVES[index], index, size, proof, root_of(size))


def test_every_pair_of_sizes_is_proven_consistent():
    for old, new in combinations_with_replacement(range(1, MOST + 1), 2):
        verify_consistency(
            old, new, merkle.consistency_proof(old, new, node), root_of(old), root_of(new)
        )


def test_every_tree_begins_with_the_empty_one():
    verify_consistency(0, 5, [], merkle.EMPTY_ROOT, root_of(5))
    with pytest.raises(Rejected, match="wrong empty root"):
        verify_consistency(0, 5, [], root_of(1), root_of(5))


sizes = st.integers(1, MOST)


@given(data=st.data(), size=sizes)
def test_no_other_inclusion_proof_is_accepted(data, size):
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, node)
    others = [
        (LEAVES[index], other, size, proof, root_of(size))
        for other in data.draw(st.lists(st.integers(0, MOST + 3), max_size=5)) if other != index
    ]  # fmt: skip
    others += [
        (LEAVES[index], index, size, [*proof, bytes(32)], root_of(size)),
        (LEAVES[index], index, size, proof, bytes(32)),
        (bytes(32), index, size, proof, root_of(size)),
    ]
    for place in range(len(proof)):
        changed = [*proof]
        changed[place] = data.draw(st.binary(min_size=32, max_size=32))
        others += [
            (LEAVES[index], index, size, changed, root_of(size)),
            (LEAVES[index], index, size, proof[:place] + proof[place + 1 :], root_of(size)),
        ]
    for arguments in others:
        with pytest.raises(Rejected):
            verify_inclusion(*arguments)


@given(data=st.data(), new=sizes)
def test_no_other_consistency_proof_is_accepted(data, new):
    old = data.draw(st.integers(1, new))
    proof = merkle.consistency_proof(old, new, node)
    others = [
        (old, new, [*proof, bytes(32)], root_of(old), root_of(new)),
        (old, new, proof, bytes(32), root_of(new)),
        (old, new, proof, root_of(old), bytes(32)),
        (new + 1, new, proof, root_of(old), root_of(new)),
        (-1, new, proof, root_of(old), root_of(new)),
    ]
    for place in range(len(proof)):
        changed = [*proof]
        changed[place] = data.draw(st.binary(min_size=32, max_size=32))
        others += [
            (old, new, changed, root_of(old), root_of(new)),
            (old, new, proof[:place] + proof[place + 1 :], root_of(old), root_of(new)),
        ]
    for arguments in others:
        with pytest.raises(Rejected):
            verify_consistency(*arguments)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: verify_inclusion(LEAVES[0], 1, 1, [], root_of(1)), "leaf 1 is not in a tree of 1"),
        (lambda: verify_inclusion(LEAVES[0], -1, 1, [], root_of(1)), "is not in a tree"),
        (lambda: verify_inclusion(LEAVES[0], 0, 0, [], root_of(1)), "is not in a tree"),
        (lambda: verify_inclusion(LEAVES[0], 0, 2, [], root_of(2)), "too few"),
        (lambda: verify_inclusion(LEAVES[0], 0, 1, [LEAVES[1]], root_of(1)), "too many"),
        (lambda: verify_inclusion(LEAVES[0], 0, 2, [b"short"], root_of(2)), "not 32 bytes"),
        (lambda: verify_inclusion(b"", 0, 1, [], root_of(1)), "not 32 bytes"),
        (lambda: verify_inclusion(LEAVES[0], 0, 2**70, [bytes(32)] * 65, root_of(1)), "more than 64"),
        (lambda: verify_consistency(3, 7, [], root_of(3), root_of(7)), "empty"),
        (lambda: verify_consistency(7, 7, [LEAVES[0]], root_of(7), root_of(7)), "should be empty"),
        (lambda: verify_consistency(7, 7, [], root_of(6), root_of(7)), "same size differ"),
        (lambda: verify_consistency(8, 7, [], root_of(8), root_of(7)), "does not begin"),
        (lambda: verify_consistency(1, 2, [b"short"], root_of(1), root_of(2)), "not 32 bytes"),
    ],
)  # fmt: skip
def test_the_verifier_says_which_rule_broke(call, why):
    with pytest.raises(Rejected, match=why):
        call()


@pytest.mark.parametrize(
    ("prove", "arguments"),
    [
        (merkle.inclusion_proof, (3, 3)), (merkle.inclusion_proof, (-1, 3)),
        (merkle.consistency_proof, (0, 3)), (merkle.consistency_proof, (4, 3)),
    ],
)  # fmt: skip
def test_the_prover_proves_nothing_beyond_the_tree(prove, arguments):
    with pytest.raises(merkle.TreeRangeError):
        prove(*arguments, node)


def grown(steps: list[int]) -> tuple[dict[tiles.Place, tiles.Tile], int]:
    """Append in steps, keeping only tiles, as the sealer does."""
    kept: dict[tiles.Place, tiles.Tile] = {}
    size = 0
    for step in steps:
        edge = {level: kept[level, number] for level, number in tiles.edge_of(size)}
        new = [merkle.leaf_hash(str(number).encode()) for number in range(size, size + step)]
        for place, tile in tiles.append(size, new, edge).items():
            assert tile.startswith(kept.get(place, b"")), "a tile only grows"
            kept[place] = tile
        size += step
    return kept, size


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
def test_tiles_grown_in_any_steps_prove_what_the_leaves_prove(steps):
    kept, size = grown(steps)
    by_tiles = tiles.nodes_of(kept.__getitem__)
    tree = Tree()
    for number in range(size):
        tree.append(merkle.leaf_hash(str(number).encode()))
    assert merkle.root(size, by_tiles) == tree.root()
    for index in {0, size // 3, size - 1} if size else ():
        leaf = merkle.leaf_hash(str(index).encode())
        verify_inclusion(
            leaf, index, size, merkle.inclusion_proof(index, size, by_tiles), tree.root()
        )
    assert {place: len(tile) // 32 for place, tile in kept.items() if len(tile) < 8192} == {
        (level, number): size // 256**level % 256 for level, number in tiles.edge_of(size)
    }


def test_a_tree_of_70000_has_the_tiles_of_the_specification():
    """The example of C2SP tlog-tiles."""
    kept, _ = grown([70_000])
    by_level = {level: sorted(n for other, n in kept if other == level) for level in (0, 1, 2)}
    assert [len(numbers) for numbers in by_level.values()] == [274, 2, 1]
    assert [len(kept[0, 273]) // 32, len(kept[1, 1]) // 32, len(kept[2, 0]) // 32] == [112, 17, 1]


def test_tile_paths_are_those_of_the_specification():
    assert tiles.path_of(0, 1234067) == "0/x001/x234/067"
    assert tiles.path_of("entries", 0, 5) == "entries/000.p/5"


@given(
    st.one_of(st.integers(0, 63), st.just("entries")), st.integers(0, 10**12), st.integers(1, 256)
)
def test_tile_paths_are_read_as_written(level, number, width):
    assert tiles.read_path(tiles.path_of(level, number, width)) == (level, number, width)


@pytest.mark.parametrize(
    "path",
    ["", "0", "64/000", "00/000", "0/1", "0/000/000", "0/x000/001", "0/000.p/256", "0/000.p/0", "0/000.p/01",
     "0/000.p/257", "entry/000", "0/x1/000", "../000", "0/٠٠٠", "0/000\n", "-1/000", "0/" + "x999/" * 2000 + "999"],
)  # fmt: skip
def test_other_paths_name_no_tile(path):
    with pytest.raises(tiles.TilePathError):
        tiles.read_path(path)


def test_a_bundle_has_each_entry_after_its_length():
    assert tiles.bundle([b"ab", b"", b"c" * 256]) == b"\x00\x02ab\x00\x00\x01\x00" + b"c" * 256
    with pytest.raises(ValueError, match="65536 bytes"):
        tiles.bundle([bytes(65_536)])
