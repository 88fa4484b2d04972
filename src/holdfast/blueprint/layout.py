"""Who calls whom and which upstreams answer, as far as the file can be read."""

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.blueprint.forms import NodeForm, RelationshipForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """``calls`` gives the number of the relationship by source and destination; ``members`` what a
    node is composed of. Nodes that do not exist may be named; they have no upstreams."""

    calls: Mapping[tuple[str, str], int]
    members: Mapping[str, tuple[str, ...]]
    callers: Mapping[str, tuple[str, ...]]
    sources: frozenset[str]
    with_upstream: frozenset[str]
    _groups: Mapping[str, tuple[str, ...]]

    def upstreams(self, node: str) -> tuple[str, ...]:
        """The nodes whose upstreams answer for ``node``: itself, or those it is composed of."""
        if node in self.with_upstream:
            return (node,)
        return tuple(name for name in self.members.get(node, ()) if name in self.with_upstream)

    def groups(self, node: str) -> tuple[str, ...]:
        """The called nodes for which the upstream of ``node`` answers beside others."""
        return self._groups.get(node, ())

    def only_in_group(self, node: str) -> bool:
        """Whether calls reach the node only as a part of others."""
        return bool(self.groups(node)) and node not in self.callers


def layout_of(
    nodes: Mapping[str, NodeForm], relationships: Mapping[int, RelationshipForm]
) -> Layout:
    calls: dict[tuple[str, str], int] = {}
    callers: dict[str, list[str]] = {}
    members: dict[str, dict[str, None]] = {}
    for index, form in relationships.items():
        if form.connects is not None:
            source, destination = (endpoint.node for endpoint in form.connects)
            calls.setdefault((source, destination), index)
            callers.setdefault(destination, []).append(source)
        if form.composed_of is not None:
            inside = members.setdefault(form.composed_of.container, {})
            inside.update(dict.fromkeys(form.composed_of.nodes))
    with_upstream = {name for name, form in nodes.items() if _has_upstream(form)}
    groups: dict[str, list[str]] = {}
    for container in sorted(members.keys() & callers.keys() - with_upstream):
        for name in members[container].keys() & with_upstream:
            groups.setdefault(name, []).append(container)
    return Layout(
        calls=calls,
        members={name: tuple(inside) for name, inside in members.items()},
        callers={name: tuple(found) for name, found in callers.items()},
        sources=frozenset(source for source, _ in calls),
        with_upstream=frozenset(with_upstream),
        _groups={name: tuple(found) for name, found in groups.items()},
    )


def _has_upstream(form: NodeForm) -> bool:
    return form.controls is not None and form.controls.upstream is not None
