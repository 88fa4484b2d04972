from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from holdfast.resilience.admission import INTERVAL_S_MIN, RANKS, TARGET_SHARE, AdmissionQueue

CLASSES = st.sampled_from(sorted(RANKS))
SIZE, LIFO_FROM, WAIT_S = 6, 3, 5.0


class Item:
    """Told apart by identity alone: all are equal."""

    def __init__(self, criticality="standard", due=inf, since=0.0):
        self.criticality, self.due, self.since = criticality, due, since

    def __eq__(self, other):
        return True

    __hash__ = None

    @property
    def rank(self):
        return RANKS[self.criticality]


def within(items, item):
    return any(one is item for one in items)


class Waiting(RuleBasedStateMachine):
    """Against a plain list of what waits."""

    def __init__(self):
        super().__init__()
        self.queue = AdmissionQueue(size=SIZE, lifo_from=LIFO_FROM, wait_s=WAIT_S)
        self.now = 0.0
        self.model = []

    def gone(self, item):
        assert within(self.model, item)
        self.model = [one for one in self.model if one is not item]

    def is_late(self, item, expected_s):
        return item.due < self.now + expected_s or self.now - item.since > WAIT_S

    @rule(later_s=st.floats(0, 2))
    def time_passes(self, later_s):
        self.now += later_s

    @rule(criticality=CLASSES, left_s=st.floats(0, 10))
    def offer(self, criticality, left_s):
        item = Item(criticality, self.now + left_s, self.now)
        was_full = len(self.model) == SIZE
        offer = self.queue.offer(item, criticality=criticality, due=item.due, now=self.now)
        if not was_full:
            assert offer.accepted
            assert offer.evicted is None
        elif offer.accepted:
            lowest = max(one.rank for one in self.model)
            oldest = next(one for one in self.model if one.rank == lowest)
            assert offer.evicted is oldest
            assert oldest.rank >= item.rank
            self.gone(oldest)
        else:
            assert all(one.rank < item.rank for one in self.model)
        if offer.accepted:
            self.model.append(item)

    @rule(expected_s=st.floats(0, 3))
    def take(self, expected_s):
        item, dropped = self.queue.take(self.now, expected_s=expected_s)
        for one in dropped:
            assert self.is_late(one, expected_s)
            self.gone(one)
        if item is None:
            assert not self.model
            return
        assert not self.is_late(item, expected_s)
        self.gone(item)
        in_time = [one for one in self.model if not self.is_late(one, expected_s)]
        assert all(item.rank <= one.rank for one in in_time)
        alike = [one for one in in_time if one.rank == item.rank]
        # Oldest or newest: never from between.
        assert all(one.since >= item.since for one in alike) or all(
            one.since <= item.since for one in alike
        )

    @rule(expected_s=st.floats(0, 3))
    def expire(self, expected_s):
        late = [one for one in self.model if self.is_late(one, expected_s)]
        dropped = self.queue.expire(self.now, expected_s=expected_s)
        assert len(dropped) == len(late)
        for one in dropped:
            assert within(late, one)
            self.gone(one)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data):
        item = self.model[data.draw(st.integers(0, len(self.model) - 1))]
        assert self.queue.remove(item)
        assert not self.queue.remove(item)
        self.gone(item)

    @invariant()
    def never_above_its_size_and_nothing_lost(self):
        assert len(self.queue) == len(self.model) <= SIZE


TestWaiting = Waiting.TestCase


def filled(*offers, size=100, lifo_from=100, wait_s=inf):
    """A queue of ``(name, criticality, since)``."""
    queue = AdmissionQueue(size=size, lifo_from=lifo_from, wait_s=wait_s)
    for name, criticality, since in offers:
        assert queue.offer(name, criticality=criticality, due=inf, now=since).accepted
    return queue


def drained(queue, now):
    taken = []
    while len(queue):
        item, dropped = queue.take(now)
        taken += [*dropped, item]
    return taken


def test_a_short_young_line_is_first_in_first_out():
    queue = filled(*((name, "standard", 0.0) for name in "abcd"))
    assert drained(queue, 0.001) == list("abcd")


def test_a_line_above_its_depth_is_last_in_first_out_until_it_is_short_again():
    queue = filled(*((name, "standard", 0.0) for name in "abcd"), lifo_from=2)
    assert drained(queue, 0.001) == list("dcab")


def test_a_delay_that_stands_for_an_interval_turns_the_line_over():
    queue = filled(*((name, "standard", 0.0) for name in "abcdef"))
    assert queue.take(0.1) == ("a", [])  # above target, but for how long is not known yet
    assert queue.take(0.1 + INTERVAL_S_MIN / 2) == ("b", [])
    assert queue.take(0.1 + INTERVAL_S_MIN) == ("f", [])


def test_a_delay_that_falls_below_target_does_not_stand():
    queue = filled(*((name, "standard", 0.0) for name in "ab"))
    assert queue.take(0.1) == ("a", [])
    assert queue.take(0.1) == ("b", [])
    for name in "cd":
        queue.offer(name, criticality="standard", due=inf, now=0.3)
    assert queue.take(0.3 + INTERVAL_S_MIN * TARGET_SHARE) == ("c", [])


def test_the_interval_is_as_long_as_a_call_is_expected_to_take():
    queue = filled(*((name, "standard", 0.0) for name in "abcde"))
    assert queue.take(0.2, expected_s=2.0) == ("a", [])
    assert queue.take(2.1, expected_s=2.0) == ("b", [])
    assert queue.take(2.2, expected_s=2.0) == ("e", [])


def test_a_standing_line_of_the_sheddable_leaves_the_critical_in_their_order():
    queue = filled(*((name, "sheddable", 0.0) for name in "abc"))
    queue.take(1.0)
    for name in "xy":
        queue.offer(name, criticality="critical", due=inf, now=2.0)
    assert drained(queue, 2.0) == ["x", "y", "c", "b"]


def test_a_full_queue_turns_away_the_lowest_and_never_a_higher_for_a_lower():
    queue = filled(("a", "critical", 0.0), ("b", "standard", 0.1), ("c", "standard", 0.2), size=3)
    assert not queue.offer("x", criticality="sheddable", due=inf, now=1.0).accepted
    assert queue.offer("d", criticality="critical", due=inf, now=1.0).evicted == "b"
    assert queue.offer("e", criticality="standard", due=inf, now=1.0).evicted == "c"
    assert drained(queue, 1.0) == ["a", "d", "e"]


def test_who_cannot_be_answered_in_time_any_more_is_dropped_and_not_run():
    queue = AdmissionQueue(size=10, lifo_from=10)
    for name, due in (("a", 9.0), ("b", 3.0), ("c", 2.9), ("d", 9.0)):
        queue.offer(name, criticality="standard", due=due, now=0.0)
    assert queue.take(1.0, expected_s=2.0) == ("a", [])
    assert queue.take(1.0, expected_s=2.0) == ("b", [])
    assert queue.take(1.0, expected_s=2.0) == ("d", ["c"])
    assert queue.take(1.0, expected_s=2.0) == (None, [])


def test_who_waited_the_longest_wait_is_dropped_even_where_newer_ones_go_first():
    queue = filled(*((name, "standard", 0.0) for name in "ab"), lifo_from=1, wait_s=5.0)
    queue.offer("c", criticality="standard", due=inf, now=4.0)
    assert queue.take(5.5) == ("c", ["a", "b"])


@given(criticality=CLASSES)
def test_a_queue_without_places_accepts_nobody(criticality):
    queue = AdmissionQueue(size=0, lifo_from=1)
    assert not queue.offer("a", criticality=criticality, due=inf, now=0.0).accepted
    assert queue.take(0.0) == (None, [])


def test_the_same_item_does_not_wait_twice():
    item = Item()
    queue = filled((item, "standard", 0.0))
    with pytest.raises(AssertionError):
        queue.offer(item, criticality="standard", due=inf, now=0.0)
