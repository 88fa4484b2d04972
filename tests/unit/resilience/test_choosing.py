from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.resilience.choosing import (
    LOAD_FACTOR,
    PLANS_MAX,
    SESSION_CALLS_MIN,
    Chooser,
    Option,
)

CHANCE = st.floats(0, 1, exclude_max=True)
BYS = st.sampled_from(["least-loaded", "weighted", "session", "cheapest"])


class FakeLoad:
    """A load that is as it is set; its score is what is in flight."""

    def __init__(self, in_flight=0, alone_s=1.0):
        self.in_flight = in_flight
        self.alone_s = alone_s

    def score(self, now):
        return self.alone_s * (self.in_flight + 1)


def options(count, **each):
    """``count`` of them; a list in ``each`` is dealt out, one to each."""
    dealt = [{k: v[i] if isinstance(v, list) else v for k, v in each.items()} for i in range(count)]
    return [
        Option(**{"index": i, "name": f"member-{i}", "load": FakeLoad(), **fields})
        for i, fields in enumerate(dealt)
    ]


def everyone(chooser_options):
    return (1 << len(chooser_options)) - 1


def shares(chooser, up, *, calls=20_000, seed=1, **more):
    """Who gets which share of many calls by chance."""
    chance = Random(seed)
    counts = Counter(
        chooser.choose(up, 0.0, chance=chance.random(), chance2=chance.random(), **more)
        for _ in range(calls)
    )
    return {index: count / calls for index, count in counts.items()}


@st.composite
def groups(draw):
    count = draw(st.integers(1, 8))
    return [
        Option(
            index=i,
            name=f"member-{i}",
            load=FakeLoad(draw(st.integers(0, 30)), draw(st.floats(0, 10))),
            weight=draw(st.sampled_from([0, 1, 1, 2, 100])),
            priority=draw(st.integers(0, 2)),
            zone_distance=draw(st.integers(0, 1)),
            price=draw(st.none() | st.integers(0, 3)),
        )
        for i in range(count)
    ]


@given(
    group=groups(),
    by=BYS,
    up=st.integers(0, 2**9),
    chances=st.tuples(CHANCE, CHANCE),
    session=st.none() | st.binary(max_size=20),
    exclude=st.none() | st.integers(0, 7),
)
def test_the_one_chosen_is_up_and_is_not_the_excluded_one_while_another_is_up(
    group, by, *, up, chances, session, exclude
):
    chooser = Chooser(group, by=by)
    chosen = chooser.choose(
        up, 0.0, chance=chances[0], chance2=chances[1], session=session, exclude=exclude
    )
    alive = {i for i in range(len(group)) if up >> i & 1}
    if not alive:
        assert chosen is None
        return
    assert chosen in alive
    assert chosen != exclude or alive == {exclude}


@given(group=groups(), by=BYS, up=st.integers(1, 2**9), chance=CHANCE, chance2=CHANCE)
def test_the_same_question_has_the_same_answer(group, by, up, chance, chance2):
    one, other = Chooser(group, by=by), Chooser(group, by=by)
    first = one.choose(up, 0.0, chance=chance, chance2=chance2, session=b"s")
    assert one.choose(up, 0.0, chance=chance, chance2=chance2, session=b"s") == first
    assert other.choose(up, 0.0, chance=chance, chance2=chance2, session=b"s") == first


def test_an_index_is_a_place():
    with pytest.raises(ValueError, match="place"):
        Chooser([*options(2)][::-1], by="weighted")


def test_what_is_worked_out_is_kept_within_bounds():
    chooser = Chooser(options(12), by="weighted")
    for up in range(1, 2**12):
        chooser.choose(up, 0.0, chance=0.5, chance2=0.5)
    assert len(chooser._plans) <= PLANS_MAX


# Weights


def test_weights_are_honoured():
    group = options(4, weight=[1, 2, 3, 0])
    got = shares(Chooser(group, by="weighted"), everyone(group))
    assert got == pytest.approx({0: 1 / 6, 1: 2 / 6, 2: 3 / 6}, abs=0.02)


def test_one_of_weight_0_is_taken_when_nobody_else_is_up():
    group = options(3, weight=[1, 0, 0])
    assert shares(Chooser(group, by="weighted"), 0b110) == pytest.approx({1: 0.5, 2: 0.5}, abs=0.02)


def test_the_least_loaded_take_calls_in_flight_in_proportion_to_their_weights():
    group = options(3, weight=[1, 2, 5], load=[FakeLoad(), FakeLoad(), FakeLoad()])
    chooser, chance, out = Chooser(group, by="least-loaded"), Random(1), []
    for _ in range(4000):
        index = chooser.choose(0b111, 0.0, chance=chance.random(), chance2=chance.random())
        group[index].load.in_flight += 1
        out.append(index)
        if len(out) > 80:
            group[out.pop(chance.randrange(len(out)))].load.in_flight -= 1
    assert [o.load.in_flight for o in group] == pytest.approx([10, 20, 50], abs=3)


# Load


@given(chance=CHANCE, chance2=CHANCE, count=st.integers(2, 6), data=st.data())
def test_the_most_loaded_of_all_is_never_taken(chance, chance2, count, data):
    worst = data.draw(st.integers(0, count - 1))
    group = options(count, load=[FakeLoad(10 if i == worst else i) for i in range(count)])
    chooser = Chooser(group, by="least-loaded")
    assert chooser.choose(everyone(group), 0.0, chance=chance, chance2=chance2) != worst


def test_two_choices_keep_many_upstreams_even():
    group = options(20, load=[FakeLoad() for _ in range(20)])
    chooser, chance = Chooser(group, by="least-loaded"), Random(1)
    for _ in range(20_000):
        index = chooser.choose(
            everyone(group), 0.0, chance=chance.random(), chance2=chance.random()
        )
        group[index].load.in_flight += 1
    loads = [option.load.in_flight for option in group]
    assert max(loads) - min(loads) <= 10


def test_equally_loaded_upstreams_get_equal_shares():
    group = options(5)
    got = shares(Chooser(group, by="least-loaded"), everyone(group))
    assert got == pytest.approx(dict.fromkeys(range(5), 0.2), abs=0.02)


# Price


def test_the_cheapest_takes_all_and_among_equals_the_less_loaded():
    group = options(4, price=[5, 2, 2, None], load=[FakeLoad(n) for n in (0, 9, 1, 0)])
    chooser = Chooser(group, by="cheapest")
    assert shares(chooser, 0b1111) == {2: 1.0}
    assert shares(chooser, 0b1011) == {1: 1.0}
    assert shares(chooser, 0b1001) == {0: 1.0}
    assert shares(chooser, 0b1000) == {3: 1.0}


def test_when_the_cheapest_has_failed_the_next_cheapest_is_tried():
    group = options(3, price=[1, 2, 3])
    assert shares(Chooser(group, by="cheapest"), 0b111, exclude=0) == {1: 1.0}


# Priorities and zones


def test_the_first_priority_takes_all_while_enough_of_it_is_up():
    group = options(8, priority=[0, 0, 0, 0, 1, 1, 1, 1])
    chooser = Chooser(group, by="weighted")
    for up in (0b11111111, 0b11110111, 0b11111101):
        assert set(shares(chooser, up)) == {i for i in range(4) if up >> i & 1}


def test_what_it_cannot_carry_spills_over_to_the_next():
    group = options(8, priority=[0, 0, 0, 0, 1, 1, 1, 1])
    got = shares(Chooser(group, by="weighted"), 0b11110011)
    assert got[0] + got[1] == pytest.approx(0.7, abs=0.02)
    assert all(got[i] == pytest.approx(0.3 / 4, abs=0.02) for i in range(4, 8))


def test_when_all_tiers_are_short_they_share_by_what_is_up():
    group = options(8, priority=[0, 0, 0, 0, 1, 1, 1, 1])
    got = shares(Chooser(group, by="weighted"), 0b00010001)
    assert got == pytest.approx({0: 0.5, 4: 0.5}, abs=0.02)


def test_a_priority_counts_before_a_zone_and_a_zone_before_the_rest():
    group = options(4, priority=[0, 0, 1, 1], zone_distance=[1, 0, 1, 0])
    chooser = Chooser(group, by="least-loaded")
    assert shares(chooser, 0b1111) == {1: 1.0}
    assert shares(chooser, 0b1101) == {0: 1.0}
    assert shares(chooser, 0b1100) == {3: 1.0}
    assert shares(chooser, 0b0100) == {2: 1.0}


def test_a_retry_stays_in_its_tier_while_another_is_there():
    group = options(4, priority=[0, 0, 1, 1])
    chooser = Chooser(group, by="least-loaded")
    assert shares(chooser, 0b1111, exclude=0) == {1: 1.0}
    assert set(shares(chooser, 0b1110, exclude=1)) == {2, 3}
    assert set(shares(chooser, 0b0011, exclude=3)) == {0, 1}
    assert shares(chooser, 0b1101, exclude=2) == pytest.approx({0: 0.7, 3: 0.3}, abs=0.02)


# Sessions


def placed(group, up, sessions=3000):
    chooser = Chooser(group, by="session")
    return [
        chooser.choose(up, 0.0, chance=0.5, chance2=0.5, session=b"session-%d" % n)
        for n in range(sessions)
    ]


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_when_one_goes_only_its_own_sessions_move_and_they_spread(count):
    group = options(count)
    before, after = placed(group, everyone(group)), placed(group, everyone(group) & ~1)
    moved = [(was, now) for was, now in zip(before, after, strict=True) if was != now]
    assert all(was == 0 for was, _ in moved)
    assert len(moved) / len(before) == pytest.approx(1 / count, abs=0.03)
    heirs = Counter(now for _, now in moved)
    assert all(n / len(moved) == pytest.approx(1 / (count - 1), abs=0.12) for n in heirs.values())


def test_sessions_keep_their_upstream_when_the_blueprint_is_written_in_another_order():
    group = options(5)
    other = [Option(index=i, name=o.name, load=o.load) for i, o in enumerate(reversed(group))]
    names = [group[index].name for index in placed(group, 0b11111)]
    assert names == [other[index].name for index in placed(other, 0b11111)]


def test_sessions_are_spread_by_weight():
    group = options(3, weight=[1, 2, 5])
    counts = Counter(placed(group, 0b111, sessions=8000))
    assert [counts[i] / 8000 for i in range(3)] == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=0.02)


def test_a_session_stays_in_its_tier_however_the_dice_fall():
    group = options(4, priority=[0, 0, 1, 1])
    chooser, chance = Chooser(group, by="session"), Random(1)
    for n in range(50):
        chosen = {
            chooser.choose(0b1110, 0.0, chance=chance.random(), chance2=0.0, session=b"%d" % n)
            for _ in range(20)
        }
        assert len(chosen) == 1


@given(loads=st.lists(st.integers(0, 200), min_size=2, max_size=8), session=st.binary(max_size=8))
def test_no_session_is_sent_where_far_more_than_its_share_is_in_flight(loads, session):
    group = options(len(loads), load=[FakeLoad(n) for n in loads])
    chooser = Chooser(group, by="session")
    index = chooser.choose(everyone(group), 0.0, chance=0.0, chance2=0.0, session=session)
    share = (sum(loads) + 1) / len(loads)
    assert loads[index] < max(LOAD_FACTOR * share, SESSION_CALLS_MIN)


def test_a_quiet_system_keeps_even_a_busy_session_where_its_cache_is():
    group = options(4)
    [home] = placed(group, 0b1111, sessions=1)
    for busy in range(SESSION_CALLS_MIN):
        group[home].load.in_flight = busy
        assert placed(group, 0b1111, sessions=1) == [home]


def test_a_call_without_a_session_goes_to_the_less_loaded():
    group = options(2, load=[FakeLoad(9), FakeLoad(0)])
    assert shares(Chooser(group, by="session"), 0b11) == {1: 1.0}
