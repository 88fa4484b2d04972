"""Counts in the database: what goes in comes out, adds up, grows old, and is bounded."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.loops.drift import Contact, Form, Gathering, Presence, Proof, SightingStore, Tally
from holdfast.loops.drift import sightings as counts
from holdfast.loops.drift.store import ENTRY_BYTES_MAX, WEEKS_KEPT
from holdfast.world.sim import SimStore

NAMES = st.sampled_from(["service=a", "service=b\nip=1.2.3.4", "tool=ü"])
AT = 1_800_000_000_000_000


def plain(tally: Tally) -> list:
    return [
        {key: (c.n, round(c.calls, 2), c.first, c.last) for key, c in part.items()}
        for part in (tally.contacts, tally.presences, tally.orders)
    ]


@st.composite
def tallies(draw) -> Tally:
    tally = Tally()
    for source, target, day, p in draw(
        st.lists(
            st.tuples(NAMES, NAMES, st.integers(0, 30), st.sampled_from([1.0, 0.01])), max_size=8
        )
    ):
        at = AT - day * 86_400_000_000
        contact = Contact(
            source=source, target=target, form=Form.CALL, proof=Proof.PAIRED, port=day
        )
        tally.meet(contact, at, p=p)
        tally.show(Presence(source, None, target), at, p=p)
        tally.order(((source, target), (target, source)), at, p=p)
    return tally


@settings(max_examples=20, deadline=None)
@given(tallies(), tallies())
def test_what_is_added_twice_is_what_merging_gives(one, other):
    store = SimStore()
    kept = SightingStore(store)
    kept.add(one, now=AT)
    kept.add(other, now=AT)
    one.merge(other)
    assert plain(kept.read()) == plain(one)
    store.close()


def test_weeks_that_are_too_old_go():
    store = SimStore()
    kept, tally = SightingStore(store), Tally()
    tally.show(Presence("service=a"), AT)
    kept.add(tally, now=AT)
    kept.add(Tally(), now=AT + (WEEKS_KEPT + 1) * counts.WEEK_US)
    assert kept.read().is_empty
    store.close()


def test_what_has_no_room_is_told_and_what_is_known_still_counts(monkeypatch):
    store = SimStore()
    kept, first, second = SightingStore(store), Tally(), Tally()
    first.show(Presence("service=a"), AT)
    kept.add(first, now=AT)
    monkeypatch.setitem(kept.add.__globals__["_ROWS_MAX"], "presence", 1)
    second.show(Presence("service=a"), AT)
    second.show(Presence("service=b"), AT)
    assert kept.add(second, now=AT) == 1
    assert [count.n for count in kept.read().presences.values()] == [2]
    store.close()


def test_a_sighting_that_is_too_long_is_not_kept():
    store = SimStore()
    kept, tally = SightingStore(store), Tally()
    tally.show(Presence("x" * ENTRY_BYTES_MAX), AT)
    assert kept.add(tally, now=AT) == 1
    store.close()


def test_a_tally_counts_what_it_cannot_take(monkeypatch):
    monkeypatch.setattr(counts, "PRESENCES_MAX", 1)
    tally = Tally()
    for name in "aab":
        tally.show(Presence(name), AT)
    assert tally.lost.presences == 1
    assert sum(count.n for count in tally.presences.values()) == 2


def test_a_claim_is_one_line_and_bounded():
    name = counts.identity((("service", "a\nnode=cart" + "x" * 500), ("tool", " ")))
    assert name.count("\n") == 0
    assert len(name) == len("service=") + counts.CLAIM_LENGTH_MAX


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 100)), max_size=40))
def test_every_span_is_given_back_once_whatever_the_order_and_the_bounds(shop, rows):
    gathering = Gathering(wait_s=0.00002, spans_max=5)
    given_back, numbered = [], []
    for number, (trace, at) in enumerate(rows):
        (span,) = shop.spans((number, "", "web", 1, {}))
        span.trace = str(trace)
        numbered.append(span.id)
        for whole in gathering.add([span], at):
            assert len({each.trace for each in whole}) == 1
            given_back += [each.id for each in whole]
        assert len(gathering) <= 5
    given_back += [each.id for whole in gathering.rest() for each in whole]
    assert sorted(given_back) == sorted(numbered)


def test_a_contact_is_the_same_after_json():
    contact = Contact(source="a", target="b", form=Form.TOOL, proof=Proof.FLOW, encrypted=False)
    assert msgspec.json.decode(msgspec.json.encode(contact), type=Contact) == contact


@pytest.mark.parametrize("at", [0, 345_599_999_999])
def test_a_week_begins_on_monday(at):
    assert counts.week_of(at) == 0
    assert counts.start_of_week(1) == 345_600_000_000
