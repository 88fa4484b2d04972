"""Groups and places as watchers see them."""

import msgspec

from holdfast.gateway.groups import Group
from holdfast.gateway.seen import NodeSeen, UpstreamSeen


def node_seen(group: Group) -> NodeSeen:
    """One called node."""
    counters = msgspec.structs.asdict(group.counters)
    return NodeSeen(group.node.id, len(group.queue), counters, group.retry_budget.level)


def upstreams_seen(group: Group, now: float) -> list[UpstreamSeen]:
    """Its upstreams."""
    seen: list[UpstreamSeen] = []
    for index, place in enumerate(group.places):
        load = place.load
        state = place.state(now)
        if state == "up" and group.ejector.ejected(index, now):
            state = "ejected"
        first_s = load.first_token_s
        seen.append(
            UpstreamSeen(
                node=group.node.id,
                upstream=place.node.id,
                url=place.upstream.name,
                state=state,
                in_flight=load.in_flight,
                limit=place.limiter.limit,
                first_token_ms=None if first_s is None else round(first_s * 1000, 3),
                tokens_per_s=load.tokens_per_s,
                sent=load.sent,
                failed=load.failed,
            )
        )
    return seen
