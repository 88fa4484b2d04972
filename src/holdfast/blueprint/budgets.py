"""Budgets: what a call may cost must be known before it is made."""

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.blueprint.amounts import MICRO
from holdfast.blueprint.draft import Draft
from holdfast.blueprint.errors import Problem
from holdfast.blueprint.fallbacks import fallbacks_of
from holdfast.blueprint.forms import NodeForm
from holdfast.blueprint.layout import Layout
from holdfast.blueprint.resilience_forms import BudgetForm, PriceForm
from holdfast.blueprint.source import Path

_TOKENS_PER_PRICE = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredCall:
    """A declared call that can be answered: its relationship, and what may answer it."""

    index: int
    source: str
    called: str
    upstreams: tuple[str, ...]
    max_tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """A budget as written: where, and for which calls."""

    path: Path
    form: BudgetForm
    calls: tuple[DeclaredCall, ...]


def budget_problems(draft: Draft, layout: Layout) -> Iterator[Problem]:
    """What budgets need of what they cover, and routing by price of its upstreams."""
    if draft.whole is None:
        return
    yield from _cheapest(draft, layout)
    sites = list(_sites(draft, tuple(declared_calls(draft, layout))))
    yield from _unbounded(draft, sites)
    yield from _unpriced(draft, layout, sites)
    for site in sites:
        yield from _too_small(draft, layout, site)


def declared_calls(draft: Draft, layout: Layout) -> Iterator[DeclaredCall]:
    """Those that can be answered."""
    for (source, called), index in layout.calls.items():
        if called not in draft.nodes or not layout.upstreams(called):
            continue
        answering = [called, *fallbacks_of(draft, source, called, index)]
        upstreams = (name for node in answering for name in layout.upstreams(node))
        yield DeclaredCall(
            index=index,
            source=source,
            called=called,
            upstreams=tuple(dict.fromkeys(upstreams)),
            max_tokens=_max_tokens(draft, index, called),
        )


def _max_tokens(draft: Draft, index: int, called: str) -> int | None:
    for form in (draft.relationships[index].controls, draft.nodes[called].controls):
        if form is not None and form.limits is not None and form.limits.max_tokens is not None:
            return form.limits.max_tokens
    return None


def _sites(draft: Draft, calls: tuple[DeclaredCall, ...]) -> Iterator[_Site]:
    assert draft.whole is not None
    if draft.whole.budget is not None:
        yield _Site(path=("budget",), form=draft.whole.budget, calls=calls)
    by_node: dict[str, list[DeclaredCall]] = {}
    for call in calls:
        for name in {call.source, call.called}:
            by_node.setdefault(name, []).append(call)
    for name, node in draft.nodes.items():
        if node.controls is not None and node.controls.budget is not None:
            path: Path = ("nodes", name, "controls", "budget")
            own = tuple(by_node.get(name, ()))
            yield _Site(path=path, form=node.controls.budget, calls=own)
    by_index = {call.index: call for call in calls}
    for index, link in draft.relationships.items():
        if link.controls is not None and link.controls.budget is not None:
            path = ("relationships", index, "controls", "budget")
            own = (by_index[index],) if index in by_index else ()
            yield _Site(path=path, form=link.controls.budget, calls=own)


def _unbounded(draft: Draft, sites: list[_Site]) -> Iterator[Problem]:
    """Relationships without a limit on tokens; each told once, for the first budget it is under."""
    told: set[int] = set()
    for site in sites:
        unit = "tokens" if site.form.tokens is not None else "money"
        if site.form.tokens is None and site.form.money is None:
            continue
        for call in site.calls:
            if call.max_tokens is not None or call.index in told:
                continue
            told.add(call.index)
            what = (
                f"calls to `{call.called}` have no max_tokens, but come under the budget of {unit} "
                f"on line {_line(draft, site, unit)}: what one may cost is not known before it is "
                "made"
            )
            fix = (
                f"write `limits: {{max_tokens: ...}}` under nodes.{call.called}.controls, or under "
                "the controls of this relationship"
            )
            path: Path = ("relationships", call.index, "connects")
            yield draft.problem(path, what=what, fix=fix)


def _line(draft: Draft, site: _Site, unit: str) -> int:
    return draft.document.place((*site.path, unit), key=True).line


def _unpriced(draft: Draft, layout: Layout, sites: list[_Site]) -> Iterator[Problem]:
    """Upstreams without a price; each told once, for the first budget it is under."""
    told: set[str] = set()
    for site in sites:
        if site.form.money is None:
            continue
        for name in dict.fromkeys(name for call in site.calls for name in call.upstreams):
            if name in told or price_of(draft, layout, name) is not None:
                continue
            told.add(name)
            line = _line(draft, site, "money")
            what = f"`{name}` has no price, but its calls come under the budget of money on line {line}"
            yield _no_price(draft, name, what)


def _cheapest(draft: Draft, layout: Layout) -> Iterator[Problem]:
    for name, node in draft.nodes.items():
        routing = node.controls.routing if node.controls is not None else None
        if routing is None or routing.by != "cheapest" or name not in layout.callers:
            continue
        for upstream in layout.upstreams(name):
            if price_of(draft, layout, upstream) is None:
                what = f"`{upstream}` has no price, but calls to `{name}` are routed by price"
                yield _no_price(draft, upstream, what)


def _no_price(draft: Draft, name: str, what: str) -> Problem:
    fix = (
        f"add `price: {{input: ..., output: ...}}` (per million tokens; 0 where nothing is "
        f"charged) under nodes.{name}.controls"
    )
    return draft.problem(("nodes", name), what=what, fix=fix, key=True)


def price_of(draft: Draft, layout: Layout, upstream: str) -> PriceForm | None:
    """What is charged for an upstream: its own, else what a node that it is a part of says."""
    for name in (upstream, *layout.groups(upstream)):
        form: NodeForm = draft.nodes[name]
        if form.controls is not None and form.controls.price is not None:
            return form.controls.price
    return None


def _too_small(draft: Draft, layout: Layout, site: _Site) -> Iterator[Problem]:
    """Budgets that one call of the largest size does not fit in: such calls never pass."""
    tokens = max((call.max_tokens or 0 for call in site.calls), default=0)
    if site.form.tokens is not None and tokens > site.form.tokens:
        what = f"one call may take {tokens} tokens, more than the whole budget ({site.form.tokens})"
        fix = "raise the budget, or lower limits.max_tokens"
        path: Path = (*site.path, "tokens")
        yield draft.problem(path, what=what, fix=fix, severity="warning")
    micro = max((_dearest_micro(draft, layout, call) for call in site.calls), default=0)
    if site.form.money is not None and micro > site.form.money:
        cost, money = micro / MICRO, site.form.money / MICRO
        what = f"one call may cost {cost:g} and more, beyond the whole budget ({money:g})"
        fix = "raise the budget, lower limits.max_tokens, or check the price: it is per million"
        path = (*site.path, "money")
        yield draft.problem(path, what=what, fix=fix, severity="warning")


def _dearest_micro(draft: Draft, layout: Layout, call: DeclaredCall) -> int:
    """The cost of the longest answer; the request comes on top."""
    prices = (price_of(draft, layout, name) for name in call.upstreams)
    output = max((price.output for price in prices if price is not None), default=0)
    return (call.max_tokens or 0) * output // _TOKENS_PER_PRICE
