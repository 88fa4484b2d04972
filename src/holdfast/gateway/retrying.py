"""Where and when a call is tried a second time."""

from collections.abc import Callable

from holdfast.core import NodeId
from holdfast.gateway.call import Routed
from holdfast.gateway.groups import Group
from holdfast.gateway.places import Place
from holdfast.resilience import backoff_s

WAITED_S_MAX = 10.0
"""An upstream that asks to be left alone for longer is not waited for: the caller is told when to
come again, and need not hold a connection until then."""


def choose_place(routed: Routed, now: float, *, exclude: Place | None = None) -> Place | None:
    """A place with room for the call; ``exclude`` only when there is no other."""
    return routed.group.choose(
        routed.caller, routed.tokens.total, session=routed.session, exclude=exclude, now=now
    )


def other_place(routed: Routed, now: float, *, than: Place) -> Place | None:
    """A place with room that is another."""
    place = choose_place(routed, now, exclude=than)
    return None if place is than else place


def hedge_after_s(routed: Routed, now: float) -> float | None:
    """How long the first try may be silent before another is asked too; None: no hedge."""
    hedge, group = routed.screened.allowed.relationship.hedge, routed.group
    if hedge is None or group.sole is not None or not routed.is_effectless:
        return None
    group.hedge_budget.deposit()
    return group.first_token.value(hedge.percentile, now)


def may_retry(group: Group, now: float, *, wait_s: float, due: float) -> bool:
    """Whether one more try after ``wait_s`` is in time and within the budget, which it takes from."""
    if wait_s > WAITED_S_MAX or now + wait_s >= due:
        return False
    if not group.retry_budget.take(now):
        group.counters.retries_denied += 1
        return False
    group.counters.retries += 1
    return True


def next_node(
    routed: Routed,
    fallbacks: list[str],
    reroute: Callable[[Routed, NodeId], Routed | None],
    now: float,
) -> Routed | None:
    """The call on its way to the first of ``fallbacks`` (taken from it) that it may go to."""
    while fallbacks:
        other = reroute(routed, NodeId(fallbacks.pop(0)))
        if other is not None and other.group.anyone(now):
            routed.group.counters.fallbacks += 1
            return other
    return None


def pause_s(routed: Routed, tried: int, *, asked_s: float | None, chance: float) -> float:
    """How long to wait for the same place: as long as it asked, or full jitter."""
    if asked_s is not None:
        return asked_s
    retries = routed.screened.allowed.relationship.retries
    return backoff_s(
        tried - 1, base_s=retries.backoff_s, most_s=retries.backoff_s_max, chance=chance
    )
