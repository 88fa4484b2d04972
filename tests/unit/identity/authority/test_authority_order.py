"""Authorities are ordered: the meet is the widest below both, and nothing ever widens."""

from functools import reduce

import authority_strategies as made
import msgspec
from hypothesis import assume, given, target
from hypothesis import strategies as st

from holdfast.identity.authority import (
    Allowance,
    are_within,
    covers,
    is_within,
    meet,
    meet_all,
    normal,
    read_authorities,
    write_authorities,
)


def both(one, other):
    return None if one is None or other is None else meet(one, other)


@given(made.authorities(), made.authorities())
def test_meeting_is_commutative(one, other):
    assert meet(one, other) == meet(other, one)


@given(made.authorities(), made.authorities(), made.authorities())
def test_meeting_is_associative(one, two, three):
    assert both(both(one, two), three) == both(one, both(two, three))


@given(made.authorities())
def test_meeting_is_idempotent(one):
    assert meet(one, one) == one
    assert is_within(one, one)


@given(made.authorities(), made.authorities())
def test_the_meet_is_within_both(one, other):
    met = meet(one, other)
    assert met is None or (is_within(met, one) and is_within(met, other))


@given(made.authorities(), made.authorities())
def test_within_is_when_the_meet_is_the_child(one, other):
    assert is_within(one, other) == (meet(one, other) == one)


@given(made.authorities(), made.authorities())
def test_two_within_each_other_are_the_same(one, other):
    assert (is_within(one, other) and is_within(other, one)) == (one == other)


@given(made.families())
def test_a_child_is_within_its_parent_and_their_meet(family):
    parent, child = family
    assert is_within(child, parent)
    assert meet(child, parent) == child


@given(made.families(), made.authorities())
def test_meeting_is_monotone(family, other):
    parent, child = family
    with_child, with_parent = meet(child, other), meet(parent, other)
    assert with_child is None or (with_parent is not None and is_within(with_child, with_parent))


@given(made.families(), made.families())
def test_what_is_within_both_is_within_the_meet(one, other):
    lower = both(one[1], other[1])
    assert lower is None or is_within(lower, meet(one[0], other[0]))


@given(made.authorities(), made.authorities(), st.data())
def test_the_meet_covers_exactly_what_both_cover(one, other, data):
    met = meet(one, other)
    ask = data.draw(made.asks(near=met))
    covered = met is not None and covers([met], ask) is None
    target(float(covered))
    assert covered == (covers([one], ask) is None and covers([other], ask) is None)


@given(made.families(), st.data())
def test_a_child_covers_nothing_that_its_parent_does_not(family, data):
    parent, child = family
    ask = data.draw(made.asks(near=child))
    assert covers([child], ask) is not None or covers([parent], ask) is None


@given(made.held, made.held)
def test_meeting_what_mandates_hold_is_commutative_and_idempotent(ones, others):
    assert meet_all(ones, others) == meet_all(others, ones)
    assert meet_all(ones, ones) == normal(ones)


@given(made.held, made.held, made.held)
def test_meeting_what_mandates_hold_is_associative(one, two, three):
    assert meet_all(meet_all(one, two), three) == meet_all(one, meet_all(two, three))


@given(made.held, made.held)
def test_what_mandates_hold_is_within_when_the_meet_is_the_child(ones, others):
    assert are_within(meet_all(ones, others), ones)
    assert are_within(ones, others) == (meet_all(ones, others) == normal(ones))


@given(made.held, made.held, st.data())
def test_the_meet_of_mandates_covers_exactly_what_both_cover(ones, others, data):
    met = meet_all(ones, others)
    ask = data.draw(made.asks(near=met[0] if met else None))
    covered = covers(met, ask) is None
    assert covered == (covers(ones, ask) is None and covers(others, ask) is None)


@given(st.lists(made.held, min_size=2, max_size=6))
def test_no_chain_of_meets_ever_widens(steps):
    now = steps[0]
    for step in steps[1:]:
        after = meet_all(now, step)
        assert are_within(after, now)
        now = after
    assert now == normal(reduce(meet_all, reversed(steps), steps[0]))


@given(made.held)
def test_an_authority_is_read_as_it_was_written(held):
    assert read_authorities(write_authorities(held)) == held


@given(made.authorities(), st.data())
def test_dropping_a_limit_is_never_within(one, data):
    limited = [
        name
        for name, none in (
            ("tools", None),
            ("models", None),
            ("args", ()),
            ("max", Allowance()),
            ("taint_max", None),
            ("data_max", None),
            ("not_after", None),
        )
        if getattr(one, name) != none
    ]
    assume(limited)
    name = data.draw(st.sampled_from(limited))
    free = {"args": (), "max": Allowance()}.get(name)
    assert not is_within(msgspec.structs.replace(one, **{name: free}), one)
