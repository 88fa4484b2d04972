import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.audit import JournalError, Recorder, consistency_proof, leaf_hash, verify_consistency
from holdfast.audit.frames import first_frame
from holdfast.audit.store import LogStore
from holdfast.audit.tiles import TileReader
from holdfast.world.sim import SimClock


def test_a_new_log_is_empty_signed_and_verifies(house) -> None:
    log = house.open()
    assert log.size == log.checkpoint.size == 0
    assert log.recovery == ()
    assert log.integrate() is None
    assert house.verify().verified


def test_integration_takes_each_entry_once_in_each_worker_s_order(house, words) -> None:
    log = house.open()
    house.write(words.entries(300), worker=1)
    house.write(words.entries(300, start=300), worker=2)
    checkpoint = log.integrate()
    assert checkpoint is not None
    assert checkpoint.size == log.size == 600
    assert log.integrate() is None
    assert house.all_recent() == words.entries(600)
    house.check_all_there_once()


def test_every_checkpoint_continues_the_one_before(house, words) -> None:
    log = house.open()
    old = log.checkpoint
    for number in range(12):
        house.write(words.entries(97, start=97 * number))
        new = log.integrate()
        tiles = TileReader(house.blobs, new.size)
        verify_consistency(
            old=old.size,
            new=new.size,
            old_root=old.root,
            new_root=new.root,
            proof=consistency_proof(old.size, new.size, tiles.range_hash),
        )
        old = new


def test_only_the_partial_tiles_of_the_unfinished_end_remain(house, words) -> None:
    log = house.open()
    for number in range(6):
        house.write(words.entries(100, start=100 * number))
        log.integrate()
    assert house.blobs.names("tile/entries") == [
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
    ]
    assert house.blobs.names("tile/1") == ["tile/1/000.p/1", "tile/1/000.p/2"]


def test_journals_go_once_full_bundles_hold_them_but_never_a_worker_s_newest(house, words) -> None:
    log = house.open()
    house.write(words.entries(200), worker=1)
    house.write(words.entries(60, start=200), worker=1)
    first, second = house.journals.names()
    log.integrate()
    assert house.journals.names() == [second]
    house.write(words.entries(1, start=260), worker=1)
    third = house.journals.names()[-1]
    log.integrate()
    assert house.journals.names() == [second, third]
    house.write(words.entries(300, start=261), worker=2)
    log.integrate()
    assert house.journals.names()[0] == third
    assert first not in house.open().recovery
    house.check_all_there_once()


def test_a_reopened_log_goes_on_where_it_stopped(house, words) -> None:
    for number in range(5):
        log = house.open()
        house.write(words.entries(113, start=113 * number))
        log.integrate()
        assert house.open().checkpoint == log.checkpoint
    assert house.all_recent() == words.entries(565)


def test_a_live_worker_s_unfinished_append_is_waited_for(house, words) -> None:
    house.write(words.entries(10), close=False)
    (name,) = house.journals.names()
    size = len(house.journals.read(name, start=0, limit=10_000))
    whole = house.journals._files[name][:]
    house.journals.truncate(name, size=size - 3)
    log = house.open(live=True)
    assert log.integrate().size == 9
    assert log.recovery == ()
    house.journals._files[name] = whole
    assert log.integrate().size == 10
    house.check_all_there_once()


def test_an_entry_that_is_no_record_is_logged_all_the_same(house) -> None:
    house.write([b"not json"])
    house.open().integrate()
    assert house.entries() == [b"not json"]


def test_files_that_are_no_journals_are_left_alone(house, words) -> None:
    house.journals.create("notes.txt")
    house.write(words.entries(3))
    house.open().integrate()
    assert "notes.txt" in house.journals.names()
    house.check_all_there_once()


def test_one_damaged_journal_is_refused_by_name_and_the_others_go_on(house, words) -> None:
    house.write(words.entries(10), worker=1, close=False)
    damaged = house.journals.names()[0]
    house.journals.flip(damaged, offset=40)
    # An append after the damage: then what is damaged had been acknowledged.
    house.journals._files[damaged] += first_frame(b"later") + b"later"
    house.write(words.entries(10, start=10), worker=2)
    log = house.open()
    for _ in range(2):
        with pytest.raises(JournalError, match=f"journal {damaged} is damaged at byte 16"):
            log.integrate()
    assert house.all_recent() == words.entries(10, start=10)
    assert len(log.faults) == 1
    assert any("damaged at byte 16" in problem for problem in house.verify().problems)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    life=st.lists(
        st.tuples(
            st.sampled_from(["write", "crash", "integrate", "reopen"]),
            st.integers(1, 90),
            st.integers(1, 2),
        ),
        max_size=12,
    ),
)
def test_whatever_happens_all_acknowledged_entries_are_there_exactly_once(
    make_house, words, seed: int, life
) -> None:
    house = make_house(seed)
    log, start = house.open(), 0
    for action, count, worker in life:
        entries = words.entries(count, start=start)
        if action == "write":
            house.write(entries, worker=worker)
            start += count
        elif action == "crash":
            house.write_and_crash(entries, worker=worker)
            start += count
            log = house.open()
        elif action == "integrate":
            log.integrate()
        else:
            log = house.open()
    log.integrate()
    house.check_all_there_once()
    assert house.verify().pending == 0
    assert {leaf_hash(each) for each in house.acknowledged} <= set(map(leaf_hash, house.entries()))


def test_the_row_of_a_journal_goes_with_the_batch_after_it(house, words) -> None:
    log = house.open()
    house.write(words.entries(256))
    house.write(words.entries(1, start=256))
    log.integrate()
    house.write(words.entries(1, start=257))
    log.integrate()
    assert set(LogStore(house.store).positions()) <= set(house.journals.names())
    house.check_all_there_once()


def test_damage_to_one_append_is_known_by_the_append_after_it(house, words) -> None:
    house.run(lambda loop: two_appends(house, loop))
    (name,) = house.journals.names()
    house.journals.flip(name, offset=30)
    with pytest.raises(JournalError, match=f"journal {name} is damaged at byte 16"):
        house.open().integrate()


async def two_appends(house, loop) -> None:
    recorder = Recorder(house.journals, SimClock(loop), worker=1)
    for _ in range(2):
        done = loop.create_future()
        recorder.submit(b"an entry of twenty b", done.set_result)
        assert await done is None
