"""RS: how far one takeover reaches.

The radius is that of ``holdfast.blueprint.blast``: nodes that are controlled, reached, read, written,
steered or stopped by whoever has taken over one agent, one tool or one credential. It takes a
relationship of unknown effect for one that writes, and over which content passes; where only that
makes it too large, it is not decided, nor where looking would take too long (``EDGES_TWICE_MAX``,
``EDGES_MAX``).
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from holdfast.blueprint import NodeKind, Relationship
from holdfast.blueprint.blast import Threats, single_takeovers
from holdfast.blueprint.graph import System
from holdfast.blueprint.review.knowledge.dependence import edge_fact, fact_of
from holdfast.blueprint.review.rule import TOLD_MAX, Case, Judgement, Rule, broken, holds, undecided
from holdfast.core import NodeId

NODES_MIN = 10
"""Of fewer nodes a share says nothing: an agent with its model and two tools is four."""
TAKEN = frozenset({NodeKind.AGENT, NodeKind.TOOL})
CREDENTIAL = "credential:"
LOOKING = "audit"
"""A purpose over which no content passes that others act on."""
EDGES_TWICE_MAX = 2_000
"""Of more, what hangs on effects that nobody has told is not looked into a second time."""
EDGES_MAX = 6_000
"""Of more, the walk of every takeover together costs more than the rest of a review."""


def _reaches(case: Case) -> Iterator[Judgement]:
    entries = _entries(case.system)
    if len(case.system.nodes) < NODES_MIN or not entries:
        return
    if len(case.system.edges) > EDGES_MAX:
        said = f"more than {EDGES_MAX} edges: ask `holdfast blast --compromise` for single nodes"
        yield undecided("", "relationships", missing=("relationships",), what=said)
        return
    most = case.limits.compromise_radius
    wide = _wide(case.system, entries, most)
    silent = _silent(case.system) if wide else ()
    sure = wide if not silent else _surely_wide(case.system, tuple(wide), most)
    for entry, share in wide.items():
        if entry in sure:
            yield _too_far(case, entry, sure[entry])
        else:
            yield _perhaps(case, entry, share=share, silent=silent)
    if not wide:
        yield holds("", "nodes")


def _surely_wide(system: System, entries: tuple[str, ...], most: float) -> dict[str, float]:
    """Those that are too wide whatever the effects are that nobody has told."""
    return {} if len(system.edges) > EDGES_TWICE_MAX else _wide(_mild(system), entries, most)


def _entries(system: System) -> tuple[str, ...]:
    nodes = [str(node.id) for node in system.nodes.values() if node.kind in TAKEN]
    held = (name for node in system.nodes.values() for name in node.facts.credentials or ())
    return (*nodes, *dict.fromkeys(f"{CREDENTIAL}{name}" for name in held))


def _wide(system: System, entries: tuple[str, ...], most: float) -> dict[str, float]:
    shares = single_takeovers(Threats(system), entries=entries)
    return {entry: share for entry, share in shares.items() if share > most}


def _mild(system: System) -> System:
    """The system as it would be if every relationship of which nobody has told what it does were
    for nothing but looking."""
    relationships = tuple(_milder(system, each) for each in system.blueprint.relationships)
    return System(replace(system.blueprint, relationships=relationships))


def _milder(system: System, relationship: Relationship) -> Relationship:
    edges = system.edges_of.get(relationship.id, ())
    if relationship.facts.effect is not None or not edges:
        return relationship
    if any(_says_effect(system, edge.destination) for edge in edges):
        return relationship
    purpose = relationship.facts.purpose or LOOKING
    facts = relationship.facts.model_copy(update={"effect": "read", "purpose": purpose})
    return replace(relationship, facts=facts)


def _says_effect(system: System, name: NodeId) -> bool:
    facts = system.nodes[name].facts
    tools = facts.tools or ()
    return facts.effect is not None or any(tool.effect is not None for tool in tools)


def _too_far(case: Case, entry: str, share: float) -> Judgement:
    subject, at = _place(case.system, entry)
    nodes = len(case.system.nodes)
    return broken(
        subject,
        at,
        what=f"whoever takes over `{entry}` reaches {round(share * nodes)} of {nodes} nodes "
        f"({share:.0%}; {case.limits.compromise_radius:.0%} are allowed)",
        fix="grant less: fewer relationships, narrower scopes, credentials of its own; put an "
        "approval or a check of what is handed on in between",
    )


def _silent(system: System) -> tuple[str, ...]:
    """Some of the effects that nobody has told."""
    unsaid = (
        edge_fact(edge, "effect")
        for edge in system.edges
        if edge.facts.effect is None and not _says_effect(system, edge.destination)
    )
    return tuple(islice(unsaid, TOLD_MAX))


def _perhaps(case: Case, entry: str, *, share: float, silent: tuple[str, ...]) -> Judgement:
    subject, at = _place(case.system, entry)
    said = f"{share:.0%} if every relationship of which nobody has told the effect is used to write"
    return undecided(subject, at, missing=silent, what=said)


def _place(system: System, entry: str) -> tuple[str, str]:
    """The node itself; of a credential, the first that holds it."""
    name = entry.removeprefix(CREDENTIAL)
    if name == entry:
        return entry, f"nodes.{entry}"
    holder = next(n.id for n in system.nodes.values() if name in (n.facts.credentials or ()))
    return holder, fact_of(holder, "credentials")


RULES: tuple[Rule, ...] = (
    Rule(
        id="RS-10",
        title="One takeover reaches no more than its share",
        severity="critical",
        why="An agent obeys whoever writes what it reads; one day that is an attacker. What it may "
        "reach by then is what is lost.",
        mend="Grant less, divide by zones and credentials, and put approvals before what cannot be "
        "taken back.",
        sources=("MITRE ATLAS AML.T0051", "MulVAL (USENIX Security 2005)", "NIST SP 800-207"),
        judge=_reaches,
    ),
)
