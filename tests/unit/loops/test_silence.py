"""Silence: when it means that something is unused, and when it means nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.loops.drift import Kind, Presence, Tally
from holdfast.loops.drift.judge.chances import gamma_quantile, gamma_share, rate_low

WEEK_DAYS = 7


def kinds(report) -> dict[tuple[str, str], str]:
    return {
        (f.source, f.target): f.kind.value
        for f in report.findings
        if f.kind in {Kind.BLIND, Kind.STALE_EDGE, Kind.STALE_NODE, Kind.DEAD_GRANT}
    }


def old(shop, *met, n: int = 200) -> Tally:
    """Seen evenly over the three weeks before the last, and not since."""
    tally = Tally()
    for i in range(n):
        at = shop.now - int((8 + 20 * i / n) * shop.day)
        tally.merge(shop.tally(*met, n=1, at=at))
    return tally


def alive(shop, name: str) -> Tally:
    tally = Tally()
    tally.show(Presence(shop.service(name)), shop.now)
    return tally


def test_a_busy_edge_that_fell_silent_while_its_source_speaks_is_stale(shop):
    tally = old(shop, ("web", "cart"))
    tally.merge(alive(shop, "web"))
    said = kinds(shop.judge(tally))
    assert said["web", "cart"] == "A1"
    assert said["cart", ""] == "A2"


def test_the_same_silence_is_blind_when_the_source_fell_silent_too(shop):
    assert kinds(shop.judge(old(shop, ("web", "cart"))))["web", "cart"] == "A0"


def test_the_same_silence_is_blind_where_few_sightings_were_to_be_expected(shop):
    tally = old(shop, ("web", "cart"), n=9)
    tally.merge(alive(shop, "web"))
    assert kinds(shop.judge(tally))["web", "cart"] == "A0"


def test_less_sampling_makes_blind_what_was_decided(shop):
    tally = old(shop, ("web", "cart"), n=150)
    tally.merge(alive(shop, "web"))
    assert kinds(shop.judge(tally))["web", "cart"] == "A1"
    assert kinds(shop.judge(tally, p=0.1))["web", "cart"] == "A0"


def test_an_edge_that_was_never_seen_is_judged_by_its_declared_rate_alone(shop):
    said = kinds(shop.judge(shop.tally(("cart", "db"))))
    assert said["cart", "pay"] == "A1"  # ten calls an hour were declared
    assert said["web", "cart"] == "A0"
    (blind,) = (
        f for f in shop.judge(shop.tally(("planner", "guard"))).findings if f.source == "guard"
    )
    assert blind.bound == 1.0


def test_a_node_of_which_only_answers_are_known_does_not_decide_what_it_calls(shop):
    tally = shop.tally(("web", "cart"))
    tally.merge(alive(shop, "cart"))
    assert kinds(shop.judge(tally))["cart", "pay"] == "A0"


def test_a_fallback_may_be_silent_as_long_as_it_likes(shop):
    text = shop.text.replace(
        "connects: [cart, pay], facts: {calls_per_hour: 10}",
        "connects: [cart, pay], facts: {calls_per_hour: 10, strength: optional}",
    )
    assert ("cart", "pay") not in kinds(shop.judge(shop.tally(("cart", "db")), text))


def test_a_tool_in_none_of_three_hundred_calls_is_a_dead_grant(shop):
    few = shop.tally(("guard", "vault", {"tool": "look"}), n=299)
    enough = shop.tally(("guard", "vault", {"tool": "look"}), n=300)
    assert kinds(shop.judge(few)).get(("guard", "vault")) is None
    (dead,) = (f for f in shop.judge(enough).findings if f.kind is Kind.DEAD_GRANT)
    assert (dead.seen, dead.bound) == ("move", pytest.approx(0.01))


def test_what_comes_every_other_week_needs_three_of_its_periods(shop):
    def after(weeks: int) -> str:
        tally = alive(shop, "web")
        for n in (0, 2, 4):
            at = shop.now - (weeks + n) * WEEK_DAYS * shop.day
            tally.merge(shop.tally(("web", "cart"), n=50, at=at))
        return kinds(shop.judge(tally))["web", "cart"]

    assert after(3) == "A0"
    assert after(6) == "A1"


@pytest.mark.parametrize(
    ("shape", "share", "x"),
    [(0.5, 0.05, 0.0019661), (1.0, 0.95, 2.9957323), (10.5, 0.05, 5.7956), (100.0, 0.05, 84.139)],
)
def test_quantiles_of_the_gamma_distribution_are_those_of_the_tables(shape, share, x):
    assert gamma_quantile(shape, share) == pytest.approx(x, rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.5, 500), st.floats(0.001, 0.999))
def test_the_quantile_is_the_inverse_of_the_distribution(shape, share):
    assert gamma_share(shape, gamma_quantile(shape, share)) == pytest.approx(share, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10_000))
def test_the_lower_bound_of_a_rate_lies_below_the_rate(seen):
    assert 0 < rate_low(seen, exposure=10.0) < seen / 10.0 + 0.05
