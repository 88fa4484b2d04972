"""Whoever alters the log is found out, and told which entry."""

import re

import pytest

from holdfast.audit import (
    Checkpoint,
    CheckpointError,
    JournalError,
    Log,
    LogError,
    LogSigner,
    leaf_hash,
    verify_log,
)
from holdfast.audit.tiles import decode_bundle, encode_bundle, split_hashes


@pytest.fixture
def written(house, words):
    log = house.open()
    house.write(words.entries(600))
    log.integrate()
    assert house.verify().verified
    return house


@pytest.mark.parametrize(
    ("name", "offset", "entry"),
    [
        ("tile/entries/000", 3, 0),
        ("tile/entries/001", 40, None),
        ("tile/entries/002.p/88", 7, None),
        ("tile/0/000", 0, 0),
        ("tile/0/001", 5 * 32, 256 + 5),
        ("tile/0/002.p/88", 87 * 32 + 31, 599),
        ("tile/1/000.p/2", 32, 256),
    ],
)
def test_verification_names_the_entry_of_a_flipped_byte(written, name, offset, entry) -> None:
    if entry is None:
        number = int(name.split("/")[2][:3])
        sizes = [
            len(each) + 2 for each in decode_bundle(written.blobs.get(name), number=0, width=9)
        ]
        entry = number * 256 + next(i for i in range(9) if sum(sizes[: i + 1]) > offset)
    written.blobs.flip(name, offset=offset)
    verification = written.verify()
    assert not verification.verified
    assert re.match(rf"entry {entry}\b", verification.problems[0]), verification.problems


@pytest.mark.parametrize("name", ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"])
def test_every_flipped_byte_of_a_bundle_is_found(written, name: str) -> None:
    for offset in range(0, len(written.blobs.get(name)), 37):
        written.blobs.flip(name, offset=offset)
        assert not written.verify().verified, offset
        written.blobs.flip(name, offset=offset)
    assert written.verify().verified


def test_every_flipped_byte_of_the_checkpoint_is_found(written) -> None:
    for offset in range(len(written.blobs.get("checkpoint"))):
        written.blobs.flip("checkpoint", offset=offset)
        (problem, *_) = written.verify().problems
        assert problem.startswith("checkpoint: ")
        with pytest.raises(CheckpointError, match="the checkpoint was altered"):
            written.open()
        written.blobs.flip("checkpoint", offset=offset)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("tile/0/002.p/88", 512),
        ("tile/entries/002.p/88", 512),
        ("tile/1/000.p/2", 0),
    ],
)
def test_opening_refuses_an_altered_or_missing_end_of_the_log(written, name, entry) -> None:
    written.blobs.flip(name, offset=4)
    with pytest.raises(LogError, match=f"entry {entry}"):
        written.open()
    written.blobs.remove(name)
    with pytest.raises(LogError, match=f"entry {entry}"):
        written.open()


@pytest.mark.parametrize("name", ["tile/0/001", "tile/entries/001"])
def test_reading_an_altered_entry_names_it_instead_of_giving_it(written, name: str) -> None:
    written.blobs.flip(name, offset=4)
    with pytest.raises(LogError, match="entry 256"):
        written.reader().entry(256)
    with pytest.raises(LogError, match="entry 256"):
        written.reader().prove(256)
    with pytest.raises(LogError, match="entry 256"):
        written.reader().find("call-256")


def test_an_entry_altered_together_with_its_tile_is_found_by_the_root(written) -> None:
    entries = decode_bundle(written.blobs.get("tile/entries/001"), number=1)
    hashes = split_hashes(written.blobs.get("tile/0/001"))
    entries[7] = b'{"call":"another"}'
    hashes[7] = leaf_hash(entries[7])
    written.blobs.put("tile/entries/001", encode_bundle(entries))
    written.blobs.put("tile/0/001", b"".join(hashes))
    assert not written.verify().verified
    assert "entry 256 to 511" in written.verify().problems[0]
    with pytest.raises(LogError, match="entry 263: the tiles do not lead to the signed root"):
        written.reader().entry(263)


@pytest.mark.parametrize("name", ["tile/0/001", "tile/entries/001", "tile/0/002.p/88"])
def test_a_truncated_log_is_refused(written, name: str) -> None:
    written.blobs.remove(name)
    assert not written.verify().verified
    assert re.search(r"entry (256|512)", written.verify().problems[0])


def test_a_rolled_back_checkpoint_is_refused(house, words) -> None:
    log = house.open()
    notes = []
    for number in range(3):
        house.write(words.entries(50, start=50 * number))
        notes.append(log.integrate().note)
    house.blobs.put("checkpoint", notes[0])
    with pytest.raises(CheckpointError, match="rolled back to 50 entries of 150"):
        house.open()
    house.blobs.put("checkpoint", notes[1])
    house.open()  # the one before the newest is what a crash before publishing leaves
    assert house.reader().checkpoint().size == 150


def test_a_forked_checkpoint_is_refused(written) -> None:
    for size, message in [(600, "forked"), (601, "has 601 entries, the database only 600")]:
        fork = Checkpoint.sign(written.signer, size=size, root=bytes(32))
        written.blobs.put("checkpoint", fork.note)
        with pytest.raises(CheckpointError, match=message):
            written.open()
        assert not written.verify().verified


def test_another_key_opens_nothing(written) -> None:
    other = LogSigner.from_seed("holdfast.example/log", b"other" * 6 + b"!!")
    written.signer = other
    assert not verify_log(written.blobs, written.journals, other.vkey).verified
    with pytest.raises(LogError, match="was not signed by"):
        Log.open(blobs=written.blobs, store=written.store, journals=written.journals, signer=other)


def test_a_log_without_its_database_is_refused(written, make_house) -> None:
    written.store = make_house().store
    with pytest.raises(LogError, match="the database knows nothing of"):
        written.open()


def test_two_writers_of_one_log_are_found_out(house, words) -> None:
    one, other = house.open(), house.open()
    house.write(words.entries(5))
    one.integrate()
    with pytest.raises(LogError, match="another process moved the log on"):
        other.integrate()
    house.check_all_there_once()


def test_a_flipped_byte_in_a_sealed_journal_is_damage_and_named(house, words) -> None:
    house.write(words.entries(20))
    (name,) = house.journals.names()
    size = len(house.journals.read(name, start=0, limit=10_000))
    for offset in range(size - 8):
        house.journals.flip(name, offset=offset)
        with pytest.raises(JournalError, match=f"journal {name} is damaged at byte"):
            house.open().integrate()
        assert any(name in problem for problem in house.verify().problems), offset
        house.journals.flip(name, offset=offset)
        house.renew_store()
        house.blobs = type(house.blobs)()
    house.open().integrate()
    house.check_all_there_once()
