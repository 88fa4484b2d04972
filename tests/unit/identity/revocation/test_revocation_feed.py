"""The feed: whoever hears all of it knows all of it; a gap, an old update and a fork are seen."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import Instant
from holdfast.identity import SigningKey
from holdfast.identity.revocation import (
    DEAD_S,
    STALE_S,
    FeedError,
    FeedForkError,
    FeedGapError,
    FeedOldError,
    FeedState,
    Item,
    Revocations,
    Update,
    read_update,
    sign_delta,
    sign_snapshot,
    subject,
)

KEY = SigningKey.from_seed(b"k" * 32)
OTHER = SigningKey.from_seed(b"o" * 32)
SECOND = 1_000_000
NOW = Instant(1_780_000_000 * SECOND)


def item(seq: int, name: str = "", *, op: str = "revoke", of: int | None = None) -> Item:
    at = Instant(NOW + seq)
    return Item(
        at=at, id=str(of or seq), kind="tenant", name=name or f"t{of or seq}", op=op, seq=seq
    )


def later(seconds: float) -> Instant:
    return Instant(round(NOW + seconds * SECOND))


def history(ops: list[int]) -> list[Item]:
    """0 revokes something new, n lifts the n-th change (if it was a revocation)."""
    return [
        item(seq, op="lift", of=of) if 0 < of < seq else item(seq) for seq, of in enumerate(ops, 1)
    ]


@given(st.lists(st.integers(0, 5), max_size=12), st.data())
def test_however_the_changes_arrive_the_set_is_the_same(ops, data) -> None:
    items = history(ops)
    whole = FeedState().after(items)
    holder, state = Revocations(KEY.public), FeedState()
    while state.seq < len(items):
        count = data.draw(st.integers(1, len(items) - state.seq))
        part = items[state.seq : state.seq + count]
        state = state.after(part)
        if data.draw(st.booleans()):
            holder.take(sign_snapshot(state, key=KEY, now=NOW), now=NOW)
        else:
            again = data.draw(st.integers(0, state.seq - count))
            holder.take(
                sign_delta(state, items[state.seq - count - again : state.seq], key=KEY, now=NOW),
                now=NOW,
            )
    assert holder.current.all() == whole.held.all()
    assert holder.seq == len(items)


def test_a_gap_is_refused_and_a_snapshot_heals_it() -> None:
    holder = Revocations(KEY.public)
    first = FeedState().after([item(1)])
    second = first.after([item(2)])
    with pytest.raises(FeedGapError):
        holder.take(sign_delta(second, [item(2)], key=KEY, now=NOW), now=NOW)
    assert holder.seq == 0
    holder.take(sign_snapshot(second, key=KEY, now=NOW), now=NOW)
    assert holder.current.find([subject("tenant", "t1")]) is not None


def test_an_update_that_hides_a_change_is_refused() -> None:
    holder = Revocations(KEY.public)
    state = FeedState().after([item(1), item(2)])
    update = msgspec.msgpack.decode(sign_delta(state, [item(1), item(2)], key=KEY, now=NOW))
    update["items"] = update["items"][:1]
    with pytest.raises(FeedGapError):
        holder.take(msgspec.msgpack.encode(update), now=NOW)
    assert holder.seq == 0


def test_an_old_sequence_is_refused_and_what_is_revoked_stays_so() -> None:
    holder = Revocations(KEY.public)
    first = FeedState().after([item(1)])
    holder.take(sign_delta(first, [item(1)], key=KEY, now=NOW), now=NOW)
    for old in (
        sign_delta(FeedState(), [], key=KEY, now=NOW),
        sign_snapshot(FeedState(), key=KEY, now=NOW),
    ):
        with pytest.raises(FeedOldError):
            holder.take(old, now=NOW)
    assert len(holder.current) == 1


def test_a_fork_shows_and_nothing_is_trusted_after_it() -> None:
    holder = Revocations(KEY.public)
    one = FeedState().after([item(1, "one")])
    other = FeedState().after([item(1, "other")])
    holder.take(sign_delta(one, [item(1, "one")], key=KEY, now=NOW), now=NOW)
    with pytest.raises(FeedForkError):
        holder.take(sign_snapshot(other, key=KEY, now=NOW), now=NOW)
    assert holder.freshness(NOW) == "dead"
    assert holder.fork is not None
    holder.take(sign_delta(one, [], key=KEY, now=NOW), now=NOW)
    assert holder.freshness(NOW) == "dead"


def test_a_fork_among_later_changes_shows_too() -> None:
    holder = Revocations(KEY.public)
    holder.take(sign_delta(FeedState().after([item(1)]), [item(1)], key=KEY, now=NOW), now=NOW)
    rewritten = FeedState().after([item(1, "other"), item(2)])
    with pytest.raises(FeedForkError):
        holder.take(sign_delta(rewritten, [item(2)], key=KEY, now=NOW), now=NOW)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda update: {**update, "items": [{**update["items"][0], "name": "other"}]},
        lambda update: {**update, "items": [{**update["items"][0], "op": "lift"}]},
    ],
)
def test_a_change_that_was_altered_on_the_way_is_refused(spoil) -> None:
    holder = Revocations(KEY.public)
    good = sign_delta(FeedState().after([item(1)]), [item(1)], key=KEY, now=NOW)
    with pytest.raises(FeedError):
        holder.take(msgspec.msgpack.encode(spoil(msgspec.msgpack.decode(good))), now=NOW)
    assert len(holder.current) == 0


def test_a_snapshot_whose_set_was_altered_is_refused() -> None:
    state = FeedState().after([item(1), item(2)])
    good = msgspec.msgpack.decode(sign_snapshot(state, key=KEY, now=NOW), type=Update)
    holder = Revocations(KEY.public)
    for held in ((), good.held[:1], good.held[::-1]):
        with pytest.raises(FeedError):
            holder.take(msgspec.msgpack.encode(msgspec.structs.replace(good, held=held)), now=NOW)


def test_another_keys_updates_and_other_tokens_are_refused() -> None:
    holder = Revocations(KEY.public)
    with pytest.raises(FeedError):
        holder.take(sign_snapshot(FeedState(), key=OTHER, now=NOW), now=NOW)
    other_type = KEY.sign({"typ": "passport+jwt"}, {"seq": 9, "head": "", "iat": 0})
    with pytest.raises(FeedError):
        read_update(msgspec.msgpack.encode(Update(token=other_type)), KEY.public)
    with pytest.raises(FeedError):
        holder.take(b"\xc1", now=NOW)
    assert holder.freshness(NOW) == "dead"


def test_freshness_ends_after_5_seconds_and_again_after_60() -> None:
    holder = Revocations(KEY.public)
    assert holder.freshness(NOW) == "dead"
    holder.take(sign_snapshot(FeedState(), key=KEY, now=NOW), now=NOW)
    assert holder.freshness(later(STALE_S)) == "fresh"
    assert holder.freshness(later(STALE_S + 0.1)) == "stale"
    assert holder.freshness(later(DEAD_S)) == "stale"
    assert holder.freshness(later(DEAD_S + 0.1)) == "dead"
    holder.take(sign_delta(FeedState(), [], key=KEY, now=later(70)), now=later(70))
    assert holder.freshness(later(70)) == "fresh"


def test_a_late_update_still_revokes_but_makes_nothing_fresh() -> None:
    holder = Revocations(KEY.public)
    state = FeedState().after([item(1)])
    assert holder.take(sign_delta(state, [item(1)], key=KEY, now=NOW), now=later(30))
    assert len(holder.current) == 1
    assert holder.freshness(later(30)) == "stale"


def test_an_update_from_the_future_is_refused_and_a_clock_set_back_is_noticed() -> None:
    holder = Revocations(KEY.public)
    with pytest.raises(FeedOldError):
        holder.take(sign_snapshot(FeedState(), key=KEY, now=later(60)), now=NOW)
    holder.take(sign_snapshot(FeedState(), key=KEY, now=NOW), now=NOW)
    assert holder.freshness(later(-3600)) == "stale"
    holder.take(sign_delta(FeedState(), [], key=KEY, now=later(-3600)), now=later(-3600))
    assert holder.freshness(later(-3600)) == "fresh"


def test_where_no_feed_exists_all_is_fresh_and_nothing_revoked() -> None:
    holder = Revocations.unfed()
    assert holder.freshness(NOW) == "fresh"
    assert not holder.take(b"anything", now=NOW)
