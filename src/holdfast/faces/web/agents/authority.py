"""Authority used against authority held: what an agent may do, and what it did of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.blueprint import Blueprint, Relationship
from holdfast.faces.web.words import day_and_minute
from holdfast.history import Traffic

DAYS = 30
"""How far back use is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """A tool that may be used; ``last`` is when it was, empty when it never was."""

    name: str
    last: str
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One relationship of the agent. ``open_ended``: every approved tool of the server may be used."""

    relationship: str
    callee: str
    calls: int
    refused: int
    is_used: bool
    tools: tuple[ToolUse, ...]
    unused: tuple[str, ...]
    open_ended: bool
    demands: str


LastUse = Mapping[tuple[str, str], tuple[int, str]]
"""By relationship and tool: when it was used last, and by which call."""


def held_by(
    agent: str, blueprint: Blueprint, traffic: Sequence[Traffic], last: LastUse
) -> tuple[Held, ...]:
    """Every declared relationship in which the agent is the caller."""
    used = {each.relationship: each for each in traffic if each.caller == agent}
    found: list[Held] = []
    for (source, destination), link in blueprint.connections().items():
        if source != agent:
            continue
        mine = used.get(link.id)
        tools = tuple(_use(link, name, last) for name in named_tools(link, last))
        is_server = blueprint.nodes[destination].is_mcp_server
        found.append(
            Held(
                relationship=link.id,
                callee=destination,
                calls=mine.calls if mine is not None else 0,
                refused=mine.refused if mine is not None else 0,
                is_used=mine is not None and mine.calls > mine.refused,
                tools=tools,
                unused=tuple(each.name for each in tools if not each.last),
                open_ended=is_server and not _allowed(link),
                demands=_demands(link),
            )
        )
    return tuple(found)


def named_tools(link: Relationship, last: LastUse) -> tuple[str, ...]:
    """Tools that are allowed by name, and those that were used."""
    written = [name for name in _allowed(link) if "*" not in name and link.tools.allows(name)]
    used = [tool for relationship, tool in last if relationship == link.id]
    return tuple(dict.fromkeys((*sorted(written), *sorted(used))))


def _allowed(link: Relationship) -> tuple[str, ...]:
    return tuple(name for rules in link.tools.rules for name in rules.allow or ())


def _use(link: Relationship, name: str, last: LastUse) -> ToolUse:
    at, call = last.get((link.id, name), (0, ""))
    return ToolUse(name=name, last=day_and_minute(at) if at else "", call=call)


def _demands(link: Relationship) -> str:
    demands = link.demands
    words = ["a mandate"] if demands.mandate else []
    if "key" not in demands.proofs:
        words.append("proof of possession")
    if demands.attested != "none":
        words.append("an attested platform")
    return " and ".join(words) or "an identity"
