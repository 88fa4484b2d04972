import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.audit import (
    LogError,
    inclusion_proof,
    leaf_hash,
    range_hash_of,
    root_of,
    verify_inclusion,
)
from holdfast.audit.tiles import (
    TileReader,
    bundle_path,
    decode_bundle,
    encode_bundle,
    tile_path,
)
from holdfast.audit.tree import Edge
from holdfast.world.sim.blobs import SimBlobs

LEAVES = [leaf_hash(b"%d" % number) for number in range(66_000)]


def grow(blobs: SimBlobs, cuts: list[int]) -> Edge:
    edge, start = Edge(), 0
    for cut in cuts:
        edge, tiles = edge.extended(LEAVES[start:cut])
        for tile in tiles:
            blobs.put(tile_path(tile.level, tile.number, width=len(tile.hashes)), tile.data)
        start = cut
    return edge


def test_paths_are_those_of_tlog_tiles() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(1, 0) == "tile/1/000"
    assert tile_path(2, 999, width=17) == "tile/2/999.p/17"
    assert bundle_path(1000, width=1) == "tile/entries/x001/000.p/1"


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), number=0, width=len(entries)) == entries


def test_a_bundle_cut_short_names_the_first_entry_that_is_missing() -> None:
    data = encode_bundle([b"one", b"two", b"three"])
    for cut, index in [(0, 512), (1, 512), (4, 512), (5, 513), (9, 513), (16, 514)]:
        with pytest.raises(LogError, match=f"entry {index}:"):
            decode_bundle(data[:cut], number=2, width=3)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 1500), unique=True, min_size=1, max_size=8).map(sorted))
def test_the_tree_does_not_depend_on_the_batches_it_grew_in(cuts: list[int]) -> None:
    grown, at_once = SimBlobs(), SimBlobs()
    edge = grow(grown, cuts)
    assert edge == grow(at_once, cuts[-1:])
    assert edge.root() == root_of(LEAVES[: cuts[-1]])
    for name in at_once.names("tile"):
        assert grown.get(name) == at_once.get(name)
    assert Edge.load(TileReader(grown, cuts[-1]), cuts[-1]) == edge


def test_tiles_cover_seventy_thousand_entries_as_the_specification_counts_them() -> None:
    blobs = SimBlobs()
    leaves = [leaf_hash(b"")] * 70_000
    _, tiles = Edge().extended(leaves)
    for tile in tiles:
        blobs.put(tile_path(tile.level, tile.number, width=len(tile.hashes)), tile.data)
    names = blobs.names("tile")
    assert len([name for name in names if name.startswith("tile/0/") and ".p" not in name]) == 273
    assert [name for name in names if ".p" in name] == [
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert "tile/1/000" in names


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 65_535, 65_536, 65_537, 66_000])
def test_proofs_from_tiles_are_those_of_the_whole_tree(size: int) -> None:
    blobs = SimBlobs()
    root = grow(blobs, [size]).root()
    tiles = TileReader(blobs, size)
    for index in {0, size // 3, size // 2, max(0, size - 257), size - 1}:
        proof = inclusion_proof(index, size, tiles.range_hash)
        assert proof == inclusion_proof(index, size, range_hash_of(LEAVES))
        verify_inclusion(LEAVES[index], index=index, size=size, proof=proof, root=root)


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    blobs = SimBlobs()
    grow(blobs, [300])
    assert TileReader(blobs, 200).tile(0, 0) == LEAVES[:200]


def test_a_missing_or_short_tile_names_the_first_entry_it_should_cover() -> None:
    blobs = SimBlobs()
    grow(blobs, [600])
    blobs.remove("tile/0/001")
    with pytest.raises(LogError, match="entry 256 and later: tile/0/001"):
        TileReader(blobs, 600).tile(0, 1)
    blobs.put("tile/1/000.p/2", b"short")
    with pytest.raises(LogError, match=r"entry 0 and later: tile/1/000\.p/2"):
        TileReader(blobs, 600).tile(1, 0)
