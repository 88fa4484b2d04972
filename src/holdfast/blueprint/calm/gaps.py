"""What the reference lets pass and a reader would not: our findings, by codes of our own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast.blueprint.calm.findings import Finding, Level
from holdfast.blueprint.calm.selecting import ANY, members, select, values
from holdfast.core import JsonObject, JsonValue

SELF_LOOP = "holdfast-self-loop"
CONTAINMENT_CYCLE = "holdfast-containment-cycle"
UNKNOWN_CHOICE = "holdfast-option-names-unknown"
EMPTY_OPTIONS = "holdfast-options-empty"
FLOW_ID_TAKEN = "holdfast-flow-id-taken"
FLOW_UNCHAINED = "holdfast-flow-does-not-chain"

_CONTAINERS = ("composed-of", "deployed-in")


def gaps_of(architecture: JsonObject) -> Iterator[Finding]:
    """Each of them; what has not the shape of CALM is passed over, for the schema tells that."""
    yield from _self_loops(architecture)
    yield from _containment(architecture)
    yield from _options(architecture)
    yield from _flow_ids(architecture)
    yield from _chains(architecture)


def _ours(code: str, path: str, *, message: str, level: Level = "error") -> Finding:
    return Finding(code=code, path=path, message=message, level=level)


def _kinds(architecture: JsonObject, kind: str) -> Iterator[tuple[int, JsonObject]]:
    """Index and content of each relationship of a kind."""
    for index, relationship in members(architecture.get("relationships")):
        held = relationship.get("relationship-type") if isinstance(relationship, dict) else None
        content = held.get(kind) if isinstance(held, dict) else None
        if isinstance(content, dict) and isinstance(index, int):
            yield index, content


def _end(side: JsonValue) -> str | None:
    node = side.get("node") if isinstance(side, dict) else None
    return node if isinstance(node, str) else None


def _texts(value: JsonValue) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _self_loops(architecture: JsonObject) -> Iterator[Finding]:
    for index, connects in _kinds(architecture, "connects"):
        source, destination = _end(connects.get("source")), _end(connects.get("destination"))
        if source is not None and source == destination:
            yield _ours(
                SELF_LOOP,
                f"/relationships/{index}/relationship-type/connects",
                message=f"{source} connects to itself",
            )


def _holdings(architecture: JsonObject) -> Iterator[tuple[str, str, str]]:
    """Container, member and the place that says so."""
    for kind in _CONTAINERS:
        for index, content in _kinds(architecture, kind):
            container, place = content.get("container"), f"/relationships/{index}"
            held = _texts(content.get("nodes")) if isinstance(container, str) else []
            for member in held:
                yield str(container), member, f"{place}/relationship-type/{kind}"


def _containment(architecture: JsonObject) -> Iterator[Finding]:
    """Each holding that lies on a cycle of containers, once for each relationship."""
    holdings = list(_holdings(architecture))
    inside: dict[str, list[str]] = {}
    for container, member, _ in holdings:
        inside.setdefault(container, []).append(member)
    rings = _rings(inside)
    for container, member, path in holdings:
        if container == member or (container in rings and rings[container] == rings.get(member)):
            yield _ours(
                CONTAINMENT_CYCLE,
                path,
                message=f"{container} holds {member}, which holds {container}",
            )


def _rings(inside: Mapping[str, list[str]]) -> dict[str, int]:
    """Node -> number of its strongly connected part, for parts of two nodes or more."""
    search = _Parts(inside)
    for root in inside:
        search.visit(root)
    return search.rings


class _Parts:
    """Strongly connected parts, after Tarjan (1972), without recursion."""

    def __init__(self, inside: Mapping[str, list[str]]) -> None:
        self._inside = inside
        self._order: dict[str, int] = {}
        self._low: dict[str, int] = {}
        self._stack: list[str] = []
        self._stacked: set[str] = set()
        self.rings: dict[str, int] = {}

    def visit(self, root: str) -> None:
        open_ = [] if root in self._order else [self._enter(root)]
        while open_:
            node, rest = open_[-1]
            child = next(rest, None)
            if child is None:
                open_.pop()
                self._leave(node, above=open_[-1][0] if open_ else None)
            elif child not in self._order:
                open_.append(self._enter(child))
            elif child in self._stacked:
                self._low[node] = min(self._low[node], self._order[child])

    def _enter(self, node: str) -> tuple[str, Iterator[str]]:
        self._order[node] = self._low[node] = len(self._order)
        self._stack.append(node)
        self._stacked.add(node)
        return node, iter(self._inside.get(node, ()))

    def _leave(self, node: str, *, above: str | None) -> None:
        if above is not None:
            self._low[above] = min(self._low[above], self._low[node])
        if self._low[node] != self._order[node]:
            return
        part: list[str] = []
        while not part or part[-1] != node:
            part.append(self._stack.pop())
            self._stacked.discard(part[-1])
        if len(part) > 1:
            self.rings.update(dict.fromkeys(part, len(self.rings)))


def _options(architecture: JsonObject) -> Iterator[Finding]:
    known = {
        kind: {
            each for each in values(architecture, kind, ANY, "unique-id") if isinstance(each, str)
        }
        for kind in ("nodes", "relationships")
    }
    for path, options in select(architecture, "relationships", ANY, "relationship-type", "options"):
        place = "/" + "/".join(str(step) for step in path)
        if not isinstance(options, list):
            continue
        if not options:
            yield _ours(EMPTY_OPTIONS, place, message="no decision is recorded")
        for index, decision in enumerate(options):
            yield from _unknown_choices(decision, f"{place}/{index}", known=known)


def _unknown_choices(
    decision: JsonValue, place: str, *, known: Mapping[str, set[str]]
) -> Iterator[Finding]:
    for kind, names in known.items():
        for name in _texts(decision.get(kind) if isinstance(decision, dict) else None):
            if name not in names:
                told = f"the decision names {name}, which is not there"
                yield _ours(UNKNOWN_CHOICE, f"{place}/{kind}", message=told)


def _flow_ids(architecture: JsonObject) -> Iterator[Finding]:
    taken: dict[str, str] = {}
    for kind in ("nodes", "relationships"):
        for name in values(architecture, kind, ANY, "unique-id"):
            if isinstance(name, str):
                taken.setdefault(name, kind)
    for index, flow in members(architecture.get("flows")):
        name = flow.get("unique-id") if isinstance(flow, dict) else None
        if not isinstance(name, str):
            continue
        if name in taken:
            yield _ours(
                FLOW_ID_TAKEN,
                f"/flows/{index}/unique-id",
                message=f"{name} is already the unique-id of one of the {taken[name]}",
            )
        taken.setdefault(name, "flows")


@dataclass(frozen=True, slots=True)
class _Edge:
    starts: frozenset[str]
    ends: frozenset[str]


def _edges(architecture: JsonObject) -> dict[str, _Edge]:
    edges: dict[str, _Edge] = {}
    for index, relationship in members(architecture.get("relationships")):
        name = relationship.get("unique-id") if isinstance(relationship, dict) else None
        if isinstance(name, str) and isinstance(index, int):
            edges.setdefault(name, _edge(relationship))
    return edges


def _edge(relationship: JsonValue) -> _Edge:
    held = relationship.get("relationship-type") if isinstance(relationship, dict) else None
    if not isinstance(held, dict):
        return _Edge(frozenset(), frozenset())
    connects, interacts = held.get("connects"), held.get("interacts")
    if isinstance(connects, dict):
        ends = [_end(connects.get(side)) for side in ("source", "destination")]
        return _Edge(*(frozenset([end]) if end else frozenset[str]() for end in ends))
    if isinstance(interacts, dict):
        actor = interacts.get("actor")
        starts = frozenset([actor]) if isinstance(actor, str) else frozenset[str]()
        return _Edge(starts, frozenset(_texts(interacts.get("nodes"))))
    return _Edge(frozenset(), frozenset())


def _chains(architecture: JsonObject) -> Iterator[Finding]:
    """A step begins where the flow has been: at a node it has met, or one that holds it or that
    it holds. Steps over relationships without a direction of calls are passed over."""
    edges = _edges(architecture)
    near: dict[str, set[str]] = {}
    for container, member, _ in _holdings(architecture):
        near.setdefault(container, set()).add(member)
        near.setdefault(member, set()).add(container)
    for index, flow in members(architecture.get("flows")):
        transitions = flow.get("transitions") if isinstance(flow, dict) else None
        if isinstance(transitions, list):
            yield from _chain(transitions, f"/flows/{index}", edges=edges, near=near)


def _chain(
    transitions: list[JsonValue],
    path: str,
    *,
    edges: Mapping[str, _Edge],
    near: Mapping[str, set[str]],
) -> Iterator[Finding]:
    met: set[str] = set()
    for index, transition in _in_sequence(transitions):
        edge = edges.get(str(transition.get("relationship-unique-id")))
        if edge is None or not edge.starts or not edge.ends:
            continue
        is_back = transition.get("direction") == "destination-to-source"
        starts, ends = (edge.ends, edge.starts) if is_back else (edge.starts, edge.ends)
        around = starts.union(*(near.get(start, set()) for start in starts))
        if met and not around & met:
            told = ", ".join(sorted(starts))
            yield _ours(
                FLOW_UNCHAINED,
                f"{path}/transitions/{index}",
                message=f"the step begins at {told}, where no earlier step of the flow has been",
            )
        met |= starts | ends


def _in_sequence(transitions: list[JsonValue]) -> list[tuple[int, JsonObject]]:
    numbered: list[tuple[int | float, int, JsonObject]] = []
    for index, transition in enumerate(transitions):
        if not isinstance(transition, dict):
            continue
        number = transition.get("sequence-number")
        if isinstance(number, int | float) and not isinstance(number, bool):
            numbered.append((number, index, transition))
    return [(index, transition) for _, index, transition in sorted(numbered, key=lambda n: n[:2])]
