from hypothesis import assume, given
from hypothesis import strategies as st

from holdfast.audit.frames import (
    HEADER_BYTES,
    SEAL,
    find_append,
    first_frame,
    header,
    is_header,
    journal_name,
    journal_stamp,
    newest_of_each_worker,
    parse_frames,
)

ENTRIES = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8)


def journal(entries: list[bytes]) -> bytes:
    """Every entry in an append of its own."""
    return b"".join(first_frame(entry) + entry for entry in entries)


@given(ENTRIES)
def test_frames_give_back_their_entries(entries: list[bytes]) -> None:
    parsed = parse_frames(journal(entries) + SEAL)
    assert parsed.entries == entries
    assert parsed.is_sealed
    assert not parsed.is_bad


@given(ENTRIES, st.data())
def test_a_torn_end_gives_the_whole_frames_before_it(entries: list[bytes], data) -> None:
    whole = journal(entries)
    cut = data.draw(st.integers(0, len(whole)))
    parsed = parse_frames(whole[:cut])
    assert parsed.entries == entries[: len(parsed.entries)]
    assert journal(parsed.entries) == whole[: parsed.end]
    assert not parsed.is_bad
    assert find_append(whole[parsed.end + 1 : cut]) is None


@given(ENTRIES, st.data())
def test_no_flipped_bit_passes_for_an_entry(entries: list[bytes], data) -> None:
    whole = bytearray(journal(entries))
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= 1 << data.draw(st.integers(0, 7))
    parsed = parse_frames(bytes(whole))
    assert parsed.end <= position
    assert parsed.entries == entries[: len(parsed.entries)]


@given(ENTRIES, st.data())
def test_an_append_after_damage_is_found(entries: list[bytes], data) -> None:
    assume(len(entries) > 1)
    whole = bytearray(journal(entries))
    first = len(journal(entries[:1]))
    whole[data.draw(st.integers(0, first - 1))] ^= 0x10
    assert find_append(bytes(whole[1:])) == first - 1


@given(st.integers(1, 5000))
def test_zeros_that_a_file_system_leaves_are_no_frames(count: int) -> None:
    parsed = parse_frames(journal([b"entry"]) + bytes(count))
    assert parsed.entries == [b"entry"]
    assert parsed.end == len(journal([b"entry"]))
    assert find_append(bytes(count)) is None


def test_bytes_after_a_seal_are_bad() -> None:
    assert parse_frames(SEAL + SEAL).is_bad


@given(st.integers(0, 9999), st.integers(0, HEADER_BYTES - 1), st.integers(0, 7))
def test_a_header_holds_and_a_changed_one_does_not(worker: int, position: int, bit: int) -> None:
    assert is_header(header(worker))
    altered = bytearray(header(worker))
    altered[position] ^= 1 << bit
    assert not is_header(bytes(altered))
    assert not is_header(header(worker)[:position])


def test_names_sort_by_time_for_each_worker() -> None:
    names = sorted(journal_name(worker, stamp) for worker in (1, 12) for stamp in (9, 10, 1000))
    assert newest_of_each_worker(names) == {journal_name(1, 1000), journal_name(12, 1000)}
    assert journal_stamp(journal_name(12, 1000)) == 1000
    assert journal_stamp("notes.txt") is None
