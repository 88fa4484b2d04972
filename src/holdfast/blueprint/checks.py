"""What must hold across the fields of a blueprint: ids, references, relationships."""

import re
from collections.abc import Iterator

from holdfast.blueprint.draft import Draft
from holdfast.blueprint.errors import Problem, suggestion
from holdfast.blueprint.forms import RelationshipForm
from holdfast.blueprint.source import Path
from holdfast.blueprint.spelling import ID_FIX, ID_PATTERN

_CONTAINMENT_LINKS = ("deployed-in", "composed-of")
_KEYED = ("node", "interface")
"""What has its id as its key."""


def relation_problems(draft: Draft) -> Iterator[Problem]:
    """Everything wrong with ids and relationships."""
    yield from _unusable_ids(draft)
    yield from _repeated_ids(draft)
    for index, form in draft.relationships.items():
        path: Path = ("relationships", index)
        if len(links_of(form)) != 1:
            yield _not_one_link(draft, path, form)
            continue
        yield from _unknown_nodes(draft, path, form)
        yield from _self_links(draft, path, form)
        yield from _interfaces(draft, path, form)
        yield from _choices(draft, path, form)
    yield from _twins(draft)
    yield from _cycles(draft)
    yield from _unreferenced(draft)


def named_nodes(form: RelationshipForm) -> Iterator[tuple[Path, str]]:
    """Every node that a relationship names, with the path of the name inside the relationship."""
    for index, endpoint in enumerate(form.connects or ()):
        yield ("connects", index), endpoint.node
    if form.interacts:
        yield ("interacts", "actor"), form.interacts.actor
        yield from ((("interacts", "nodes", i), n) for i, n in enumerate(form.interacts.nodes))
    for name, group in (("deployed-in", form.deployed_in), ("composed-of", form.composed_of)):
        if group:
            yield (name, "container"), group.container
            yield from (((name, "nodes", i), n) for i, n in enumerate(group.nodes))
    for index, choice in enumerate(form.options or ()):
        yield from ((("options", index, "nodes", i), n) for i, n in enumerate(choice.nodes))


def links_of(form: RelationshipForm) -> tuple[str, ...]:
    """Which of the five kinds of relationship are written."""
    written = (
        ("connects", form.connects),
        ("interacts", form.interacts),
        ("deployed-in", form.deployed_in),
        ("composed-of", form.composed_of),
        ("options", form.options),
    )
    return tuple(name for name, link in written if link is not None)


def _unusable_ids(draft: Draft) -> Iterator[Problem]:
    paths: list[Path] = [("nodes", name) for name in draft.node_ids]
    for node_id, form in draft.nodes.items():
        paths.extend(("nodes", node_id, "interfaces", name) for name in form.interfaces or ())
    for path in paths:
        if not re.fullmatch(ID_PATTERN[1:-1], str(path[-1])):
            what = f"`{path[-1]}` is not a usable id"
            yield draft.problem(path, what=what, fix=ID_FIX, key=True)


def _repeated_ids(draft: Draft) -> Iterator[Problem]:
    """Nodes, relationships and interfaces share one namespace (CALM); flows share it with nodes."""
    taken: dict[str, tuple[str, Path]] = {}
    for kind, name, path in _all_ids(draft):
        if name in taken:
            yield _taken(draft, kind, path, name=name, by=taken[name])
        else:
            taken[name] = (kind, path)
    flows = {name: (kind, path) for name, (kind, path) in taken.items() if kind == "node"}
    for index, form in draft.flows.items():
        path = ("flows", index, "id")
        if form.id in flows:
            yield _taken(draft, "flow", path, name=form.id, by=flows[form.id])
        else:
            flows[form.id] = ("flow", path)


def _taken(draft: Draft, kind: str, path: Path, *, name: str, by: tuple[str, Path]) -> Problem:
    other, where = by
    line = draft.document.place(where, key=other in _KEYED).line
    what = f"the id `{name}` is taken by the {other} on line {line}"
    fix = f"give this {kind} an id of its own"
    return draft.problem(path, what=what, fix=fix, key=kind in _KEYED)


def _all_ids(draft: Draft) -> Iterator[tuple[str, str, Path]]:
    for name in draft.node_ids:
        yield "node", name, ("nodes", name)
    for node_id, node in draft.nodes.items():
        for name in node.interfaces or ():
            yield "interface", name, ("nodes", node_id, "interfaces", name)
    for index, form in draft.relationships.items():
        yield "relationship", form.id, ("relationships", index, "id")


def _not_one_link(draft: Draft, path: Path, form: RelationshipForm) -> Problem:
    links = links_of(form)
    names = ", ".join(form.LINKS)
    what = f"`{form.id}` says {' and '.join(links)}" if links else f"`{form.id}` links nothing"
    return draft.problem(path, what=what, fix=f"write exactly one of: {names}")


def _unknown_nodes(draft: Draft, path: Path, form: RelationshipForm) -> Iterator[Problem]:
    for inner, name in named_nodes(form):
        if name not in draft.node_ids:
            what = f"there is no node `{name}`"
            fix = suggestion(name, draft.node_ids, noun="node")
            yield draft.problem((*path, *inner), what=what, fix=fix)


def _self_links(draft: Draft, path: Path, form: RelationshipForm) -> Iterator[Problem]:
    first: str | None = None
    for inner, name in named_nodes(form):
        if inner[0] == "options":
            return
        if first is None:
            first = name
        elif name == first:
            what = f"`{name}` has a relationship with itself"
            fix = "name another node, or remove the relationship"
            yield draft.problem((*path, *inner), what=what, fix=fix)


def _interfaces(draft: Draft, path: Path, form: RelationshipForm) -> Iterator[Problem]:
    for index, endpoint in enumerate(form.connects or ()):
        if endpoint.node not in draft.nodes:
            continue
        own = draft.nodes[endpoint.node].interfaces or {}
        for number, name in enumerate(endpoint.interfaces or ()):
            if name in own:
                continue
            what = f"`{endpoint.node}` has no interface `{name}`"
            owner = _owner_of(draft, name)
            if owner is not None:
                what += f"; it belongs to `{owner}`"
            fix = suggestion(name, own, noun="interface")
            inner = (*path, "connects", index, "interfaces", number)
            yield draft.problem(inner, what=what, fix=fix)


def _owner_of(draft: Draft, interface: str) -> str | None:
    """Looked for only where a name is wrong: a search for every relationship would be quadratic."""
    owners = [name for name, node in draft.nodes.items() if interface in (node.interfaces or ())]
    return owners[-1] if owners else None


def _choices(draft: Draft, path: Path, form: RelationshipForm) -> Iterator[Problem]:
    for index, choice in enumerate(form.options or ()):
        for number, name in enumerate(choice.relationships):
            if name not in draft.relationship_ids:
                what = f"there is no relationship `{name}`"
                fix = suggestion(name, draft.relationship_ids, noun="relationship")
                inner = (*path, "options", index, "relationships", number)
                yield draft.problem(inner, what=what, fix=fix)


def _twins(draft: Draft) -> Iterator[Problem]:
    """Two answers to "may this node call that one" would make the audit trail ambiguous."""
    declared: dict[tuple[str, str], str] = {}
    for index, form in draft.relationships.items():
        if form.connects is None:
            continue
        source, destination = (endpoint.node for endpoint in form.connects)
        first = declared.setdefault((source, destination), form.id)
        if first != form.id:
            what = f"`{first}` already connects `{source}` to `{destination}`"
            path: Path = ("relationships", index, "connects")
            yield draft.problem(path, what=what, fix="keep one of the two")


def _cycles(draft: Draft) -> Iterator[Problem]:
    """No node may contain itself, however far down."""
    contents: dict[str, list[str]] = {}
    places: dict[tuple[str, str], Path] = {}
    for container, node, path in _containments(draft):
        contents.setdefault(container, []).append(node)
        places[container, node] = path
    for cycle in find_cycles(contents):
        names = " -> ".join(f"`{name}`" for name in cycle)
        yield draft.problem(
            places[cycle[-2], cycle[-1]],
            what=f"containment goes round in a circle: {names}",
            fix="take one of these out of the other",
        )


def _containments(draft: Draft) -> Iterator[tuple[str, str, Path]]:
    """Container, node inside, and where that is written; a node inside itself is told elsewhere."""
    for index, form in draft.relationships.items():
        named = [(path, name) for path, name in named_nodes(form) if path[0] in _CONTAINMENT_LINKS]
        for path, node in named[1:]:
            container = named[0][1]
            if node != container:
                yield container, node, ("relationships", index, *path)


def find_cycles(contents: dict[str, list[str]]) -> Iterator[list[str]]:
    """The cycle behind each back edge, by depth-first search; iterative, for chains may be long."""
    done: set[str] = set()
    for root, inside in contents.items():
        trail: dict[str, None] = {} if root in done else {root: None}
        stack = [iter(inside)] if trail else []
        while stack:
            name = next(stack[-1], None)
            if name is None:
                stack.pop()
                done.add(trail.popitem()[0])
            elif name in trail:
                names = list(trail)
                yield [*names[names.index(name) :], name]
            elif name not in done:
                trail[name] = None
                stack.append(iter(contents.get(name, ())))


def _unreferenced(draft: Draft) -> Iterator[Problem]:
    if draft.whole is None:
        return
    named = {name for form in draft.relationships.values() for _, name in named_nodes(form)}
    for node_id in draft.node_ids:
        if node_id not in named:
            what = "no relationship names this node, so nothing may call it"
            fix = "add a relationship, or remove the node"
            path: Path = ("nodes", node_id)
            yield draft.problem(path, what=what, fix=fix, key=True, severity="warning")
