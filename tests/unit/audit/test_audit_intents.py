"""An intent without outcome is an alarm, whatever crashed in between; an outcome ends it."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.audit import SETTLED, Act, encode_change, record_of
from holdfast.audit.intents import changes_of, mark_of
from holdfast.core import Instant

BEGUN = 1_800_000_000_000_000
LATER = Instant(BEGUN + 1)


def intent(words, call: str, *, event: str = "intent", at: int = BEGUN) -> bytes:
    return words.entry(call, event=event, outcome="open", at=at)


def outcome(words, call: str, *, event: str = "call") -> bytes:
    return words.entry(call, event=event, at=BEGUN + 5)


def settled(call: str) -> bytes:
    act = Act(id="change-" + call, by="user:desk", at=LATER, reason="looked: it was sent")
    return encode_change(record_of(act, kind=SETTLED, subject=call))


def alarms(house, *, until: Instant = LATER) -> list[str]:
    return [found.call for found in house.reader().open_intents(until=until)]


def test_an_intent_is_open_until_its_outcome_is_recorded(house, words) -> None:
    log = house.open()
    house.write([intent(words, "a"), intent(words, "b", event="opened"), outcome(words, "c")])
    log.integrate()
    assert alarms(house) == ["a", "b"]
    house.write([outcome(words, "a"), outcome(words, "b", event="closed")])
    log.integrate()
    assert alarms(house) == []


def test_a_stream_that_opened_after_its_intent_is_still_open(house, words) -> None:
    log = house.open()
    house.write([intent(words, "a"), intent(words, "a", event="opened", at=BEGUN + 1)])
    log.integrate()
    (found,) = house.reader().open_intents(until=LATER)
    assert (found.call, found.event, found.at, found.entry) == ("a", "intent", BEGUN, 0)


def test_only_what_was_begun_long_enough_ago_is_an_alarm(house, words) -> None:
    log = house.open()
    house.write([intent(words, "old"), intent(words, "new", at=BEGUN + 100)])
    log.integrate()
    assert alarms(house) == ["old"]
    assert alarms(house, until=Instant(BEGUN + 100)) == ["old", "new"]
    assert alarms(house, until=Instant(BEGUN - 1)) == []


def test_an_alarm_goes_when_a_person_answers_for_it(house, words) -> None:
    log = house.open()
    house.write([intent(words, "a"), intent(words, "b"), settled("a")])
    log.integrate()
    assert alarms(house) == ["b"]
    house.write([settled("b"), settled("unknown")])
    log.integrate()
    assert alarms(house) == []


def test_records_that_no_checkpoint_covers_yet_count_too(house, words) -> None:
    house.open()
    house.write([intent(words, "a"), intent(words, "b"), outcome(words, "b")])
    assert alarms(house) == ["a"]
    house.open().integrate()
    house.write([outcome(words, "a"), intent(words, "c")])
    assert alarms(house) == ["c"]


def test_what_a_crash_cut_off_is_an_alarm_after_the_next_start(make_house, words) -> None:
    """The process dies at every durable step of a call that changes something."""
    for kill_at in range(1, 12):
        house = make_house(kill_at)
        house.kill_at = kill_at
        try:
            log = house.open()
            house.write([intent(words, "a")], close=False)
            log.integrate()
            house.write([outcome(words, "a")], worker=2, close=False)
            log.integrate()
        except words.killed:
            pass
        house.kill_at = None
        house.open().integrate()
        begun = [entry for entry in house.acknowledged if b'"intent"' in entry]
        ended = [entry for entry in house.acknowledged if b'"intent"' not in entry]
        assert not ended or begun, "the outcome is never durable before the intent"
        written = {mark_of(entry).event for entry in house.all_recent()}
        assert alarms(house) == (["a"] if written == {"intent"} else [])
        assert not begun or "intent" in written
        house.check_all_there_once()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_index_is_what_the_whole_log_says(make_house, words, data) -> None:
    """However records fall into batches, and wherever the instance was opened anew."""
    house = make_house()
    log = house.open()
    step = st.tuples(
        st.sampled_from("abc"), st.sampled_from(["intent", "opened", "call", "closed"])
    )
    for batch in data.draw(st.lists(st.lists(step, max_size=5), max_size=5)):
        entries = [
            words.entry(call, event=event, duration_us=data.draw(st.integers(0, 2**40)))
            for call, event in batch
        ]
        house.write(dict.fromkeys(entries))
        if data.draw(st.booleans()):
            log.integrate()
        if data.draw(st.booleans()):
            log = house.open()
    log.integrate()
    whole = changes_of(
        ((index, mark_of(entry)) for index, entry in enumerate(house.entries())), open_calls=()
    )
    assert set(house.reader().open_intents(until=LATER)) == set(whole.begun)
