"""What the console shows of upstreams and budgets, ready for its templates. Pure."""

from dataclasses import dataclass

from holdfast.faces.view import Live
from holdfast.faces.web.words import MONEY_NANO, NONE_YET, day_and_minute, moment
from holdfast.gateway import BudgetSeen, NodeSeen, UpstreamSeen, UpstreamState

NEAR_SHARE = 0.8
"""From this share of a budget on its bar says so."""

_STATES: dict[UpstreamState, tuple[str, str, str, str]] = {
    "up": ("good", "✓", "up", "calls go there"),
    "half-open": ("warned", "?", "half-open", "one call at a time tries whether it is well again"),
    "resting": ("warned", "…", "resting", "it asked to be left alone for a while"),
    "ejected": ("refused", "✕", "ejected", "it fails far more than its peers"),
    "open": ("refused", "✕", "breaker open", "it failed too often; it is tried again shortly"),
    "down": ("refused", "✕", "down", "its health check fails"),
}
_SHOWN = ("retries", "hedges", "fallbacks", "shed", "cache_hits")
_SHOWN_WHEN_ANY = (
    "retries_denied",
    "hedges_won",
    "seams",
    "throttled",
    "queue_dropped",
    "cache_misses",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRow:
    """One upstream."""

    name: str
    url: str
    tone: str
    glyph: str
    state: str
    meaning: str
    in_flight: str
    limit: str
    first_token: str
    tokens_per_s: str
    sent: str
    failed: str
    has_failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One of a node's counts, with its word."""

    word: str
    number: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One called node: its counts, and a row for each of its upstreams."""

    name: str
    counts: tuple[Count, ...]
    rows: tuple[UpstreamRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """One budget: ``spent_share`` and ``reserved_share`` are hundredths of the bar's length."""

    account: str
    unit: str
    spent: str
    reserved: str
    limit: str
    percent: str
    tone: str
    word: str
    spent_share: float
    reserved_share: float
    resets_at: str
    resets: str


def upstreams_view(live: Live) -> tuple[NodeView, ...]:
    """Called nodes in the order in which they are reported."""
    rows: dict[str, list[UpstreamRow]] = {node.node: [] for node in live.nodes}
    for each in live.upstreams:
        rows.setdefault(each.node, []).append(_row(each))
    seen = {node.node: node for node in live.nodes}
    return tuple(
        NodeView(name=name, counts=_counts(seen.get(name)), rows=tuple(found))
        for name, found in rows.items()
    )


def _counts(node: NodeSeen | None) -> tuple[Count, ...]:
    if node is None:
        return ()
    counters = node.counters
    names = [*_SHOWN, *(name for name in _SHOWN_WHEN_ANY if counters.get(name, 0))]
    told = [("queued", node.queued), *((name, counters.get(name, 0)) for name in names)]
    return tuple(
        Count(word=name.replace("_", " "), number=f"{count:,}", tone="some" if count else "nought")
        for name, count in told
    )


def _row(seen: UpstreamSeen) -> UpstreamRow:
    tone, glyph, state, meaning = _STATES[seen.state]
    first = seen.first_token_ms
    return UpstreamRow(
        name=seen.upstream,
        url=seen.url,
        tone=tone,
        glyph=glyph,
        state=state,
        meaning=meaning,
        in_flight=f"{seen.in_flight:,}",
        limit=f"{seen.limit:,}",
        first_token=NONE_YET if first is None else f"{_figures(first)} ms",
        tokens_per_s=NONE_YET if seen.tokens_per_s is None else _figures(seen.tokens_per_s),
        sent=f"{seen.sent:,}",
        failed=f"{seen.failed:,}",
        has_failed=seen.failed > 0,
    )


def budgets_view(live: Live) -> tuple[BudgetRow, ...]:
    """The fullest first: that is where somebody must look."""
    fullest = sorted(live.budgets, key=_share, reverse=True)
    return tuple(_budget(seen) for seen in fullest)


def _share(seen: BudgetSeen) -> float:
    return seen.spent / seen.limit if seen.limit else 1.0


def _budget(seen: BudgetSeen) -> BudgetRow:
    share = _share(seen)
    spent_share = min(share, 1.0) * 100
    reserved = seen.reserved / seen.limit * 100 if seen.limit else 0.0
    tone, word = "plain", ""
    if share >= 1:
        tone, word = "refused", "used up"
    elif share >= NEAR_SHARE:
        tone, word = "failed", "nearly used up"
    return BudgetRow(
        account=seen.account,
        unit=seen.unit,
        spent=_amount(seen, seen.spent),
        reserved=_amount(seen, seen.reserved) if seen.reserved else "",
        limit=_amount(seen, seen.limit),
        percent=f"{share * 100:.0f} %",
        tone=tone,
        word=word,
        spent_share=round(spent_share, 2),
        reserved_share=round(min(reserved, 100 - spent_share), 2),
        resets_at=moment(seen.resets_at),
        resets=day_and_minute(seen.resets_at),
    )


def _amount(seen: BudgetSeen, amount: int) -> str:
    return f"{amount / MONEY_NANO:,.2f}" if seen.unit == "money" else f"{amount:,}"


def _figures(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
