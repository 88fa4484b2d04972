"""Fallbacks: whom they name, that callers may go there, and that they end."""

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.blueprint.checks import find_cycles
from holdfast.blueprint.draft import Draft
from holdfast.blueprint.errors import Problem, suggestion
from holdfast.blueprint.forms import NodeControlsForm, RelationshipControlsForm
from holdfast.blueprint.layout import Layout
from holdfast.blueprint.resilience_forms import FallbackForm
from holdfast.blueprint.source import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """A fallback as written: where, and for calls to which node (from which, or from all)."""

    path: Path
    form: FallbackForm
    called: str
    source: str | None

    @property
    def to(self) -> list[str]:
        return self.form.to or []

    def place(self, target: str) -> Path:
        return (*self.path, "to", self.to.index(target))


def fallback_problems(draft: Draft, layout: Layout) -> Iterator[Problem]:
    """Everything wrong with fallbacks."""
    sites = list(_sites(draft))
    for site in sites:
        yield from _names(draft, site)
    if draft.whole is None:
        return
    for site in sites:
        yield from _targets(draft, layout, site)
    yield from _nobody(draft, sites)
    yield from _undeclared(draft, layout, sites)
    yield from _circles(draft, layout, sites)


def fallbacks_of(draft: Draft, source: str, called: str, index: int) -> list[str]:
    """The nodes that a call over the relationship may fall back to."""
    controls = (draft.relationships[index].controls, draft.nodes[called].controls)
    for form in controls:
        if form is not None and form.fallback is not None and form.fallback.to is not None:
            return [name for name in form.fallback.to if name not in (source, called)]
    return []


def _sites(draft: Draft) -> Iterator[_Site]:
    for name, node in draft.nodes.items():
        form = _written(node.controls)
        if form is not None:
            path: Path = ("nodes", name, "controls", "fallback")
            yield _Site(path=path, form=form, called=name, source=None)
    for index, link in draft.relationships.items():
        form = _written(link.controls)
        if form is not None and link.connects is not None:
            path = ("relationships", index, "controls", "fallback")
            source, called = (endpoint.node for endpoint in link.connects)
            yield _Site(path=path, form=form, called=called, source=source)


def _written(controls: NodeControlsForm | RelationshipControlsForm | None) -> FallbackForm | None:
    return controls.fallback if controls is not None else None


def _names(draft: Draft, site: _Site) -> Iterator[Problem]:
    if site.form.to is None and site.source is None:
        what = "`to` is missing"
        fix = "add `to: [...]` with the ids of the nodes to ask instead"
        yield draft.problem(site.path, what=what, fix=fix, key=True)
    for number, name in enumerate(site.to):
        path: Path = (*site.path, "to", number)
        if name not in draft.node_ids:
            fix = suggestion(name, draft.node_ids, noun="node")
            yield draft.problem(path, what=f"there is no node `{name}`", fix=fix)
        elif name in site.to[:number]:
            yield draft.problem(path, what=f"`{name}` stands here twice", fix="keep one of the two")
        elif name == site.called:
            what = f"`{name}` cannot stand in for itself"
            yield draft.problem(path, what=what, fix="name another node, or take it out")
        elif name == site.source:
            what = f"`{name}` is the node that calls; it cannot stand in for `{site.called}`"
            yield draft.problem(path, what=what, fix="name another node, or take it out")


def _targets(draft: Draft, layout: Layout, site: _Site) -> Iterator[Problem]:
    """Each must be able to answer, in a way that has not failed already."""
    for name in dict.fromkeys(site.to):
        if name not in draft.nodes or name == site.called:
            continue
        if not layout.upstreams(name):
            what = f"`{name}` has no upstream: where would a call fall back to?"
            fix = f"add `upstream: {{url: ...}}` under nodes.{name}.controls, or name another node"
            yield draft.problem(site.place(name), what=what, fix=fix)
        elif name in layout.upstreams(site.called):
            what = f"`{name}` is one of the upstreams of `{site.called}` already"
            yield draft.problem(site.place(name), what=what, fix="name a node outside of it")


def _nobody(draft: Draft, sites: list[_Site]) -> Iterator[Problem]:
    named = {site.called for site in sites if site.source is None}
    for site in sites:
        if site.source is not None and site.form.to is None and site.called not in named:
            what = "the fallback names no node, and neither does that of the called node"
            fix = "add `to: [...]` with the ids of the nodes to ask instead"
            yield draft.problem(site.path, what=what, fix=fix, key=True)


def _in_force(layout: Layout, sites: list[_Site]) -> dict[tuple[str, str], _Site]:
    """For each declared call that may fall back: where it is written whereto."""
    by_node = {site.called: site for site in sites if site.source is None}
    written = {(s.source, s.called): s for s in sites if s.form.to is not None}
    found: dict[tuple[str, str], _Site] = {}
    for source, called in layout.calls:
        site = written.get((source, called)) or by_node.get(called)
        if site is not None:
            found[source, called] = site
    return found


def _undeclared(draft: Draft, layout: Layout, sites: list[_Site]) -> Iterator[Problem]:
    """A call must not reach a node by falling back that its caller may not call."""
    for (source, called), site in _in_force(layout, sites).items():
        for name in dict.fromkeys(site.to):
            if name not in draft.nodes or name in (site.called, site.source):
                continue
            if name == source:
                what = f"`{source}` calls `{called}`, and would fall back to itself"
                fix = "take it out; or write the fallback on the relationships of the other callers"
                yield draft.problem(site.place(name), what=what, fix=fix)
            elif (source, name) not in layout.calls:
                what = (
                    f"`{source}` calls `{called}` and may fall back to `{name}`, but no "
                    "relationship declares that it may call that"
                )
                fix = f"declare it: `connects: [{source}, {name}]`; or take `{name}` out of `to`"
                yield draft.problem(site.place(name), what=what, fix=fix)


def _circles(draft: Draft, layout: Layout, sites: list[_Site]) -> Iterator[Problem]:
    """Falling back must end. What callers write may close a circle for one of them only."""
    graphs: dict[str | None, dict[str, _Site]] = {
        None: {site.called: site for site in sites if site.source is None}
    }
    for (source, called), site in _in_force(layout, sites).items():
        graphs.setdefault(source, {})[called] = site
    for graph in graphs.values():
        edges = {
            name: [target for target in site.to if target != name] for name, site in graph.items()
        }
        for cycle in find_cycles(edges):
            ring = cycle[:-1]
            first = ring.index(min(ring))
            ring = [*ring[first:], *ring[:first]]
            names = " -> ".join(f"`{name}`" for name in (*ring, ring[0]))
            yield draft.problem(
                graph[ring[-1]].place(ring[0]),
                what=f"falling back goes round in a circle: {names}",
                fix="take one of these out",
            )
