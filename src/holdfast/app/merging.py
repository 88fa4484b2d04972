"""Many workers' reports as one system's: sums, averages, and the worse of two states. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

import msgspec

from holdfast.app.channel import Report
from holdfast.gateway import NodeSeen, Totals, UpstreamSeen, UpstreamState

_WORSE: tuple[UpstreamState, ...] = get_args(UpstreamState)


class Past(msgspec.Struct):
    """What workers counted that have ended: it stays counted."""

    totals: Totals = msgspec.field(default_factory=Totals)
    counters: dict[str, Counter[str]] = msgspec.field(default_factory=dict[str, Counter[str]])
    attempts: dict[tuple[str, str], tuple[int, int]] = msgspec.field(
        default_factory=dict[tuple[str, str], tuple[int, int]]
    )

    def take(self, report: Report) -> None:
        """A worker's last report."""
        self.totals = sum_totals((self.totals, report.totals))
        for node in report.nodes:
            self.counters.setdefault(node.node, Counter()).update(node.counters)
        for each in report.upstreams:
            key = each.node, each.upstream
            sent, failed = self.attempts.get(key, (0, 0))
            self.attempts[key] = sent + each.sent, failed + each.failed

    def keep(self, nodes: Iterable[str]) -> None:
        """Another blueprint is in force: nodes that it does not declare are no longer told."""
        kept = frozenset(nodes)
        self.counters = {name: each for name, each in self.counters.items() if name in kept}
        self.attempts = {key: each for key, each in self.attempts.items() if kept.issuperset(key)}


def without_room(report: Report) -> Report:
    """A leaving worker's report: it takes no further calls, so it has no limits to add."""
    replace = msgspec.structs.replace
    return replace(
        report,
        nodes=[replace(node, retry_budget=0.0) for node in report.nodes],
        upstreams=[replace(each, limit=0) for each in report.upstreams],
    )


def sum_totals(parts: Iterable[Totals]) -> Totals:
    """Counts add up."""
    names = Totals.__struct_fields__
    rows = [msgspec.structs.astuple(part) for part in parts]
    return Totals(**{name: sum(row[i] for row in rows) for i, name in enumerate(names)})


def merge_nodes(reports: Sequence[Report], past: Past) -> tuple[NodeSeen, ...]:
    """Every node that a worker reports, in the order of the first that does."""
    found: dict[str, list[NodeSeen]] = {}
    for report in reports:
        for node in report.nodes:
            found.setdefault(node.node, []).append(node)
    merged: list[NodeSeen] = []
    for name, parts in found.items():
        counters = Counter[str](past.counters.get(name, {}))
        for part in parts:
            counters.update(part.counters)
        queued = sum(part.queued for part in parts)
        retry_budget = sum(part.retry_budget for part in parts)
        merged.append(NodeSeen(name, queued, dict(counters), retry_budget))
    return tuple(merged)


def merge_upstreams(reports: Sequence[Report], past: Past) -> tuple[UpstreamSeen, ...]:
    """Every upstream of every node that a worker reports."""
    found: dict[tuple[str, str], list[UpstreamSeen]] = {}
    for report in reports:
        for each in report.upstreams:
            found.setdefault((each.node, each.upstream), []).append(each)
    return tuple(_merged(parts, past.attempts.get(key, (0, 0))) for key, parts in found.items())


def _merged(parts: list[UpstreamSeen], before: tuple[int, int]) -> UpstreamSeen:
    first = parts[0]
    return UpstreamSeen(
        node=first.node,
        upstream=first.upstream,
        url=first.url,
        state=_WORSE[max(_WORSE.index(part.state) for part in parts)],
        in_flight=sum(part.in_flight for part in parts),
        limit=sum(part.limit for part in parts),
        first_token_ms=_average([(part.first_token_ms, part.sent) for part in parts]),
        tokens_per_s=_average([(part.tokens_per_s, part.sent) for part in parts]),
        sent=before[0] + sum(part.sent for part in parts),
        failed=before[1] + sum(part.failed for part in parts),
    )


def _average(parts: list[tuple[float | None, int]]) -> float | None:
    """Over the workers that know, each by how much it has sent."""
    known = [(value, max(weight, 1)) for value, weight in parts if value is not None]
    if not known:
        return None
    return sum(value * weight for value, weight in known) / sum(weight for _, weight in known)
