"""The attacks on the log, as an outsider meets them who has only tiles and the log's key."""

import struct

import pytest

from holdfast.audit import (
    Checkpoint,
    LogError,
    Trust,
    compare,
    leaf_hash,
    parse_path,
    prove_consistency,
    root_of,
    verify_log,
)
from holdfast.audit.tiles import (
    bundle_path,
    decode_bundle,
    encode_bundle,
    split_hashes,
    tile_path,
)


@pytest.fixture
def written(house, words):
    log = house.open()
    house.write(words.entries(600))
    log.integrate()
    assert seen(house).verified
    return house


def seen(house):
    """What an outsider finds: no journals, no database."""
    return verify_log(house.blobs, None, Trust.parse(house.signer.vkey))


def rewrite(house, change) -> None:
    """Change the entries and every tile with them, so that only the root can tell."""
    entries = [
        entry
        for number in range(3)
        for entry in decode_bundle(
            house.blobs.get(bundle_path(number, width=256 if number < 2 else 88)),
            number=number,
            width=256 if number < 2 else 88,
        )
    ]
    entries = change(entries)
    leaves = [leaf_hash(entry) for entry in entries]
    for number in range(0, len(entries), 256):
        part = entries[number : number + 256]
        house.blobs.put(bundle_path(number // 256, width=len(part)), encode_bundle(part))
        hashes = leaves[number : number + 256]
        house.blobs.put(tile_path(0, number // 256, width=len(part)), b"".join(hashes))
    full = [root_of(leaves[start : start + 256]) for start in range(0, len(leaves) - 255, 256)]
    house.blobs.put(tile_path(1, 0, width=len(full)), b"".join(full))


def test_reordered_entries_do_not_lead_to_the_signed_root(written) -> None:
    def swap(entries: list[bytes]) -> list[bytes]:
        return [*entries[:10], entries[11], entries[10], *entries[12:]]

    rewrite(written, swap)
    found = seen(written)
    assert not found.verified
    assert found.problems == ("the 600 entries do not lead to the root that was signed",)


def test_reordered_entries_whose_tiles_stand_are_named(written) -> None:
    entries = decode_bundle(written.blobs.get("tile/entries/000"), number=0)
    entries[10], entries[11] = entries[11], entries[10]
    written.blobs.put("tile/entries/000", encode_bundle(entries))
    assert seen(written).problems[0].startswith("entry 10: ")


def test_a_log_truncated_with_its_tiles_rewritten_is_refused(written) -> None:
    rewrite(written, lambda entries: entries[:599])
    written.blobs.remove("tile/entries/002.p/88")
    written.blobs.remove("tile/0/002.p/88")
    found = seen(written)
    assert not found.verified
    assert "entry 512 and later" in found.problems[0] or "entry 512" in found.problems[0]


def test_a_rolled_back_checkpoint_is_found_by_whoever_kept_a_later_one(house, words) -> None:
    log = house.open()
    notes = []
    for number in range(2):
        house.write(words.entries(50, start=50 * number), worker=number + 1)
        notes.append(log.integrate())
    house.blobs.put("checkpoint", notes[0].note)
    # The files alone are sound: an old log is a log. The later head is what shows it.
    assert seen(house).verified
    (view,) = compare(
        [notes[1]],
        newest=notes[0],
        prove=lambda old, new: prove_consistency(house.blobs, old, new),
    )
    assert "rolled back" in view.why


def test_a_forked_checkpoint_is_found_by_whoever_kept_the_other(written) -> None:
    honest = written.reader().checkpoint()
    fork = Checkpoint.sign(written.signer, size=honest.size, root=bytes(32))
    written.blobs.put("checkpoint", fork.note)
    assert not seen(written).verified
    (view,) = compare([honest, fork])
    assert view.why == "two roots over the same 600 entries"


def test_an_entry_of_more_than_65535_bytes_is_never_taken(house) -> None:
    log = house.open()
    house.write([b"x" * 65_536, b"x" * 100_000, b'{"call":"small"}'])
    assert [len(each) for each in house.refused] == [65_536, 100_000]
    assert log.integrate().size == 1
    assert seen(house).verified


def test_a_bundle_cannot_say_that_an_entry_has_more_than_65535_bytes() -> None:
    with pytest.raises(struct.error):
        encode_bundle([b"x" * 65_536])
    # A length that points beyond the bundle is an entry that is not there.
    with pytest.raises(LogError, match="entry 512: its bundle ends at byte 10"):
        decode_bundle(b"\xff\xff" + b"x" * 8, number=2, width=1)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/000",
        "tile/entries/000",
        "tile/63/x001/x234/067.p/255",
        "tile/entries/x999/999.p/1",
        "tile/7/x001/000",
    ],
)
def test_a_path_of_the_specification_names_one_resource(path: str) -> None:
    found = parse_path(path)
    assert found is not None
    assert found.path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/001/000",
        "tile/0/x000/001",
        "tile/00/000",
        "tile/01/000",
        "tile/100/000",
        "tile/-1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000/",
        "tile/0//000",
        "tile/0/../entries/000",
        "tile/entries/../../checkpoint",
        "tile/data/000",
        "tile/0/000\n",
        "TILE/0/000",
        "tile/0/x1/000",
        "tile/0/\u0660\u0660\u0660",
        "tile/entries/000.p/\u0661",
    ],
)
def test_whatever_is_not_exactly_a_path_names_nothing(path: str) -> None:
    assert parse_path(path) is None


def test_nothing_beyond_the_checkpoint_is_given_out(written) -> None:
    give = lambda path: written.reader().resource(parse_path(path))  # noqa: E731
    assert len(give("tile/0/000")) == 8192
    assert split_hashes(give("tile/1/000.p/2"))[0] == root_of(split_hashes(give("tile/0/000")))
    assert give("tile/entries/002.p/88") is not None
    written.blobs.put("tile/entries/002.p/89", b"not signed yet")
    written.blobs.put("tile/0/003", bytes(8192))
    for beyond in ("tile/entries/002.p/89", "tile/0/003", "tile/2/000.p/1", "tile/1/000"):
        assert give(beyond) is None
