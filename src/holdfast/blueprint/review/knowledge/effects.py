"""The gravest thing that a call over a relationship can do, as far as the blueprint says."""

from collections.abc import Collection, Iterator
from typing import TypeAlias

from holdfast.blueprint import EFFECTS, Effect, Node, NodeKind, Tools
from holdfast.blueprint.graph import Edge

NONE, READ, WRITE, IRREVERSIBLE, EXEC = range(len(EFFECTS))
Span: TypeAlias = tuple[int, int]
"""The least and the gravest that it can be, as places in ``EFFECTS``."""

_HARMLESS = frozenset({NodeKind.MODEL, NodeKind.GUARD, NodeKind.ACTOR})
"""Kinds that change nothing themselves when they are called."""
_RUNS: dict[str | None, Span] = {"code": (EXEC, EXEC), "shell": (EXEC, EXEC)}


def place(effect: Effect) -> int:
    return EFFECTS.index(effect)


def span_over(edge: Edge, node: Node, *, carried: bool) -> Span:
    """The relationship's own word; else that of the tools it allows; else the node's; else what
    Holdfast holds it to (``tools.side_effects``)."""
    if edge.facts.effect is not None:
        return place(edge.facts.effect), place(edge.facts.effect)
    tools = list(_tool_effects(edge, node, carried=carried))
    if tools and None not in tools:
        gravest = max(place(effect) for effect in tools if effect is not None)
        return gravest, gravest
    if node.facts.effect is not None:
        return place(node.facts.effect), place(node.facts.effect)
    known = max((place(effect) for effect in tools if effect is not None), default=NONE)
    low, high = _RUNS.get(node.facts.executes) or (held_to(edge) if carried else None) or _of(node)
    return max(low, known), max(high, known)


def _tool_effects(edge: Edge, node: Node, *, carried: bool) -> Iterator[Effect | None]:
    """The effects of the tools that may be called over the edge."""
    for tool in node.facts.tools or ():
        if not carried or edge.relationship.tools.allows(tool.name):
            yield tool.effect


def held_to(edge: Edge) -> Span | None:
    """What the ``tools`` control says of every tool that it allows; None when it is silent on
    any. ``write`` is the gravest word it knows, so that may be anything from there on."""
    tools = edge.relationship.tools
    names = {name for rules in tools.rules for name in rules.each}
    is_open = True
    for rules in tools.rules:
        if rules.allow is not None and not any("*" in pattern for pattern in rules.allow):
            is_open = False
            names.update(rules.allow)
    words = [_word(tools, name) for name in sorted(names) if tools.allows(name)]
    if is_open:
        words.append(_word(tools, ""))
    told = [word for word in words if word is not None]
    if not told or len(told) < len(words):
        return None
    return (max(told), max(told)) if max(told) < WRITE else (WRITE, EXEC)


def _word(tools: Tools, name: str) -> int | None:
    """What is written of a tool; ``""`` stands for one that is not named."""
    for rules in tools.rules:
        own = rules.each.get(name)
        if rules.side_effects is not None or (own is not None and own.side_effects is not None):
            return place(tools.side_effects(name))
    return None


def _of(node: Node) -> Span:
    if node.kind in _HARMLESS or node.type == "ai:prompt-template":
        return NONE, NONE
    return NONE, EXEC


def is_irreversible(edge: Edge, node: Node, *, carried: bool) -> bool | None:
    """Whether something may be done over the edge that cannot be undone; None: not known."""
    if edge.facts.effect is not None:
        return edge.facts.effect == "irreversible"
    tools = list(_tool_effects(edge, node, carried=carried))
    if "irreversible" in tools or node.facts.effect == "irreversible":
        return True
    if (tools and None not in tools) or node.facts.effect is not None:
        return False
    if node.facts.executes is not None:
        return False  # what runs code is shut in, not asked about: it has a rule of its own
    bound = held_to(edge) if carried else None
    if bound is not None and bound[1] < WRITE:
        return False
    return None


def irreversible_tools(edge: Edge, node: Node) -> Collection[str] | None:
    """Names of the tools whose calls cannot be undone, where each tool's effect is told."""
    tools = node.facts.tools
    if edge.facts.effect is not None or not tools or any(tool.effect is None for tool in tools):
        return None
    return [tool.name for tool in tools if tool.effect == "irreversible"]
