"""Changes of the blueprint that make a finding go: for whoever decides that reality is right."""

import re

from holdfast.blueprint import Blueprint, Flow, Relationship
from holdfast.blueprint.review import Patch
from holdfast.core import NodeId
from holdfast.loops.drift.judge import Finding, Kind

_NO_ID = re.compile(r"[^a-z0-9]+")
_ID_LENGTH_MAX = 60


def patches_for(finding: Finding, blueprint: Blueprint) -> tuple[tuple[Patch, ...], str]:
    """The patches, and what to think of before they are taken."""
    match finding.kind:
        case Kind.UNDECLARED_EDGE:
            return (_connect(finding, blueprint),), "declares the call, which is then carried"
        case Kind.BYPASS:
            note = "declares a way around the guard: rather forbid it"
            return (_connect(finding, blueprint),), note
        case Kind.STRANGER:
            return _stranger(finding, blueprint)
        case Kind.UNDECLARED_WAY:
            return _way(finding, blueprint), "declares the way that was seen"
        case Kind.CONTRADICTION:
            return _fact(finding, blueprint), "declares what was seen; or mend what runs"
        case Kind.ORDER:
            return _order(finding, blueprint), "moves the step to where it was taken"
        case Kind.STALE_EDGE:
            name = finding.relationship or ""
            note = "takes the permission away; flows over it must go first"
            return (Patch(path=("relationships", name), value=None),), note
        case Kind.STALE_NODE:
            return _node_gone(finding, blueprint), "removes the node and all that names it"
        case Kind.DEAD_GRANT:
            return _grant_gone(finding, blueprint), "takes the grant away"
        case Kind.BLIND:
            return (
                (),
                "declare `facts.calls_per_hour`, or instrument the source, to make it judgeable",
            )


def id_of(name: str) -> str:
    """An id for a stranger: its name's last part, in the spelling of ids."""
    last = name.partition("=")[2] or name
    last = last.partition("@")[0].rpartition("/")[2] or last
    return _NO_ID.sub("-", last.lower()).strip("-")[:_ID_LENGTH_MAX] or "stranger"


def _connect(
    finding: Finding, blueprint: Blueprint, *, ends: tuple[str, str] | None = None
) -> Patch:
    source, target = ends or (finding.source, finding.target)
    taken = {relationship.id for relationship in blueprint.relationships} | set(blueprint.nodes)
    wanted = f"{source}-calls-{target}"[:_ID_LENGTH_MAX].strip("-")
    name = next(
        each
        for n in range(len(taken) + 2)
        if (each := wanted + (f"-{n}" if n else "")) not in taken
    )
    return Patch(
        path=("relationships", name),
        value={"id": name, "connects": [source, target]},
        note="say its protocol, and what it is for",
    )


def _stranger(finding: Finding, blueprint: Blueprint) -> tuple[tuple[Patch, ...], str]:
    """The stranger becomes a node; or it is one that goes by another name."""
    ends: list[str] = []
    patches: list[Patch] = []
    for name in (finding.source, finding.target):
        if NodeId(name) in blueprint.nodes:
            ends.append(name)
            continue
        node = id_of(name)
        node = node if NodeId(node) not in blueprint.nodes else f"{node}-2"
        ends.append(node)
        value = {
            "type": _type_of(name),
            "name": name.partition("=")[2] or name,
            "description": "Seen by drift; say what it does.",
        }
        patches.append(
            Patch(path=("nodes", node), value=value, note="say its type, and who owns it")
        )
    patches.append(_connect(finding, blueprint, ends=(ends[0], ends[1])))
    claim = next((line for each in finding.strangers for line in each.split("\n")), "")
    return tuple(patches), f"or bind it, if it is a node already: `bindings: {{{claim}: NODE}}`"


def _type_of(name: str) -> str:
    return {
        "agent-id": "ai:agent",
        "agent-name": "ai:agent",
        "model": "ai:llm",
        "tool": "ai:tool",
        "db": "database",
        "store": "data-asset",
    }.get(name.partition("=")[0], "service")


def _relationship(finding: Finding, blueprint: Blueprint) -> Relationship | None:
    return next((r for r in blueprint.relationships if r.id == finding.relationship), None)


def _way(finding: Finding, blueprint: Blueprint) -> tuple[Patch, ...]:
    relationship = _relationship(finding, blueprint)
    if relationship is None:
        return ()
    match finding.fact:
        case "port":
            path = ("relationships", relationship.id, "facts", "port")
            return (Patch(path=path, value=int(finding.seen)),)
        case "tool":
            return _tool_granted(finding, blueprint, relationship)
        case _:
            path = ("relationships", relationship.id, "protocol")
            note = f"was seen as {finding.seen}: write CALM's name of it"
            return (Patch(path=path, value="TCP", note=note),)


def _tool_granted(
    finding: Finding, blueprint: Blueprint, relationship: Relationship
) -> tuple[Patch, ...]:
    patches: list[Patch] = []
    tools = blueprint.nodes[NodeId(finding.target)].facts.tools
    if tools is not None and all(tool.name != finding.seen for tool in tools):
        value = [*(tool.model_dump(exclude_none=True) for tool in tools), {"name": finding.seen}]
        patches.append(Patch(path=("nodes", finding.target, "facts", "tools"), value=value))
    if relationship.tools.rules and not relationship.tools.allows(finding.seen):
        allow = sorted(
            {*(n for rule in relationship.tools.rules for n in rule.allow or ()), finding.seen}
        )
        path = ("relationships", relationship.id, "controls", "tools", "allow")
        patches.append(
            Patch(path=path, value=allow, note="and in the node's own, where it has one")
        )
    return tuple(patches)


def _fact(finding: Finding, blueprint: Blueprint) -> tuple[Patch, ...]:
    node = finding.target or finding.source
    match finding.fact:
        case "region" | "release":
            return (Patch(path=("nodes", node, "facts", finding.fact), value=finding.seen),)
        case "model":
            return (Patch(path=("nodes", node, "facts", "model", "id"), value=finding.seen),)
        case "definition":
            tools = blueprint.nodes[NodeId(node)].facts.tools or ()
            value = [
                tool.model_dump(exclude_none=True)
                | ({"digest": finding.seen} if tool.digest == finding.declared else {})
                for tool in tools
            ]
            return (Patch(path=("nodes", node, "facts", "tools"), value=value),)
        case "encryption":
            path = ("relationships", finding.relationship or "", "facts", "encrypted")
            return (Patch(path=path, value=False, note="rather encrypt it"),)
        case _:
            return ()


def _order(finding: Finding, blueprint: Blueprint) -> tuple[Patch, ...]:
    flow = next((flow for flow in blueprint.flows if flow.id == finding.flow), None)
    late, _, wanted = finding.seen.partition(":")[2].partition(" before ")
    if flow is None or not (late.isdigit() and wanted.isdigit()):
        return ()
    return (Patch(path=("flows", flow.id, "steps"), value=_moved(flow, int(late), int(wanted))),)


def _moved(flow: Flow, late: int, wanted: int) -> list[dict[str, object]]:
    forward = [n for n, step in enumerate(flow.steps) if not step.back]
    order = list(range(len(flow.steps)))
    order.insert(order.index(forward[wanted - 1]), order.pop(order.index(forward[late - 1])))
    return [
        {
            "over": flow.steps[n].over,
            "description": flow.steps[n].description,
            **({"back": True} if flow.steps[n].back else {}),
        }
        for n in order
    ]


def _node_gone(finding: Finding, blueprint: Blueprint) -> tuple[Patch, ...]:
    name = NodeId(finding.source)
    edges = [r.id for ends, r in blueprint.connections().items() if name in ends]
    return (
        *(Patch(path=("relationships", edge), value=None) for edge in edges),
        Patch(path=("nodes", name), value=None, note="and where containers or people name it"),
    )


def _grant_gone(finding: Finding, blueprint: Blueprint) -> tuple[Patch, ...]:
    node = blueprint.nodes[NodeId(finding.target)]
    if finding.fact != "tool":
        return ()
    patches: list[Patch] = []
    relationship = _relationship(finding, blueprint)
    if relationship is not None:
        allow = next(
            (r.allow for r in relationship.tools.rules if finding.seen in (r.allow or ())), ()
        )
        if allow:
            path = ("relationships", relationship.id, "controls", "tools", "allow")
            kept = [name for name in allow if name != finding.seen]
            patches.append(Patch(path=path, value=kept))
    callers = [ends for ends in blueprint.connections() if ends[1] == node.id]
    if node.facts.tools and len(callers) == 1:
        kept = [t.model_dump(exclude_none=True) for t in node.facts.tools if t.name != finding.seen]
        patches.append(Patch(path=("nodes", node.id, "facts", "tools"), value=kept))
    return tuple(patches)
