"""The process or the disk stops between any two durable steps; nothing is lost, doubled or bent."""

import pytest

from holdfast.world.ports import WorldError


def prepared(make_house, words):
    """A log with 300 entries, and journals with 500 more, some of which can go afterwards."""
    house = make_house()
    log = house.open()
    house.write(words.entries(150), worker=1)
    house.write(words.entries(150, start=150), worker=2)
    log.integrate()
    house.write(words.entries(250, start=300), worker=1)
    house.write(words.entries(250, start=550), worker=2)
    house.steps = 0
    return house


def steps_of_a_whole_life(make_house, words) -> int:
    house = prepared(make_house, words)
    house.open().integrate()
    return house.steps


def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(make_house, words) -> None:
    total = steps_of_a_whole_life(make_house, words)
    assert total >= 15
    for step in range(total):
        house = prepared(make_house, words)
        house.kill_at = step
        with pytest.raises(words.killed):
            house.open().integrate()
        house.kill_at = None
        assert house.verify().verified, f"killed at step {step}, before anything was mended"
        log = house.open()
        log.integrate()
        assert log.size == 800, f"killed at step {step}"
        house.check_all_there_once()


def test_a_kill_at_any_step_of_a_first_start_loses_nothing(make_house, words) -> None:
    for step in range(6):
        house = make_house()
        house.write(words.entries(5))
        house.steps, house.kill_at = 0, step
        try:
            house.open().integrate()
        except words.killed:
            house.kill_at = None
            house.open().integrate()
        house.kill_at = None
        house.check_all_there_once()
        assert house.all_recent() == words.entries(5)


def test_a_disk_that_fails_at_any_step_can_be_tried_again_on_the_same_log(
    make_house, words
) -> None:
    total = steps_of_a_whole_life(make_house, words)
    for step in range(3, total + 1):
        house = prepared(make_house, words)
        log = house.open()
        house.fail_at = step
        with pytest.raises(WorldError, match="disk is full"):
            log.integrate()
        assert house.verify().verified
        log.integrate()
        assert log.size == 800, f"failed at step {step}"
        house.check_all_there_once()
        assert house.open().checkpoint == log.checkpoint


@pytest.mark.parametrize("seed", range(8))
def test_a_machine_that_stops_during_an_append_tears_only_what_nobody_was_told(
    make_house, words, seed: int
) -> None:
    house = make_house(seed)
    house.write_and_crash(words.entries(80))
    log = house.open()
    log.integrate()
    house.check_all_there_once()
    size = len(house.all_recent())
    assert len(house.acknowledged) <= size <= 80
    assert house.all_recent() == words.entries(size)


def test_a_torn_end_is_dropped_and_said(house, words) -> None:
    house.write(words.entries(10), close=False)
    (name,) = house.journals.names()
    size = len(house.journals.read(name, start=0, limit=10_000))
    house.journals.truncate(name, size=size - 3)
    log = house.open()
    log.integrate()
    assert log.size == 9
    (note,) = log.recovery
    assert note.startswith(f"journal {name}: a crash tore the append at byte ")
    assert "bytes, never acknowledged, were dropped" in note
    (seen,) = house.verify().notes
    assert name in seen
    assert house.verify().verified


@pytest.mark.parametrize("size", [0, 1, 15, 16, 20])
def test_a_journal_torn_in_its_header_is_no_damage(house, words, size: int) -> None:
    house.write([b"never acknowledged"], close=False)
    (name,) = house.journals.names()
    house.journals.truncate(name, size=size)
    log = house.open()
    assert log.integrate() is None
    assert len(log.recovery) == (1 if size not in {0, 16} else 0)
    house.acknowledged.clear()
    house.write(words.entries(2))
    log.integrate()
    house.check_all_there_once()


def test_a_lost_checkpoint_file_is_written_again_and_said(house, words) -> None:
    house.write(words.entries(10))
    house.open().integrate()
    house.blobs.remove("checkpoint")
    log = house.open()
    assert log.recovery == ("the checkpoint was missing and was written again",)
    house.check_all_there_once()


def test_what_a_kill_left_of_replaced_partial_tiles_goes_at_the_next_opening(
    make_house, words
) -> None:
    total = steps_of_a_whole_life(make_house, words)
    for step in range(total):
        house = prepared(make_house, words)
        house.kill_at = step
        with pytest.raises(words.killed):
            house.open().integrate()
        house.kill_at = None
        house.open().integrate()
        partial = [name for name in house.blobs.names("tile/entries") if ".p/" in name]
        assert partial == ["tile/entries/003.p/32"], f"killed at step {step}"
