"""The questions that plans and manifests share: a node's facts against what is found of it."""

from collections.abc import Iterator

from holdfast.blueprint import NodeFacts
from holdfast.blueprint.graph import System
from holdfast.blueprint.infrastructure.catalogue import is_same_region
from holdfast.blueprint.infrastructure.findings import (
    InfraFinding,
    broken,
    holds,
    undecided,
)
from holdfast.core import NodeId


def judge_region(
    system: System, node: NodeId, at: str, *, region: str | None
) -> Iterator[InfraFinding]:
    """IAC-03. Asked only of nodes whose facts say where their data may lie, or where they run."""
    facts = system.nodes[node].facts
    allowed = [set(data.residency) for data in facts.data or () if data.residency is not None]
    if facts.region is not None:
        allowed.append({facts.region})
    if not allowed:
        return
    if region is None:
        what = f"where it lies is not said, and {node} may lie only in some regions"
        yield undecided("IAC-03", at, missing=("the region",), what=what, node=node)
        return
    for regions in allowed:
        if not any(is_same_region(region, each) for each in regions):
            named = ", ".join(sorted(regions))
            yield broken(
                "IAC-03", at, node=node, what=f"lies in {region}; {node} may lie only in {named}",
                fix=f"move it to {named}, or change the facts of nodes.{node}",
            )  # fmt: skip
            return
    yield holds("IAC-03", at, node)


def judge_exposure(
    system: System, node: NodeId | None, at: str, *, is_open: bool | None
) -> Iterator[InfraFinding]:
    """IAC-04."""
    facts = NodeFacts() if node is None else system.nodes[node].facts
    if is_open is False or facts.exposed is True:
        yield holds("IAC-04", at, node)
    elif is_open is None:
        what = "whether it is open to the internet is known only after applying"
        yield undecided("IAC-04", at, missing=("the plan's unknown values",), what=what, node=node)
    elif node is not None and facts.exposed is None:
        what = f"it is open to the internet, and whether {node} may be is not said"
        missing = (f"nodes.{node}.facts.exposed",)
        yield undecided("IAC-04", at, missing=missing, what=what, node=node)
    else:
        who = f"{node} is not exposed" if node is not None else "no node is named that may be"
        yield broken(
            "IAC-04", at, node=node, what=f"it is open to the internet, and {who}",
            fix="shut it, or bind it to a node whose facts say `exposed: true`",
        )  # fmt: skip


def judge_encryption(
    system: System, node: NodeId, at: str, *, encrypted: bool | None
) -> Iterator[InfraFinding]:
    """IAC-05. Asked of nodes whose facts say that they are encrypted, or hold what must be."""
    facts = system.nodes[node].facts
    classes = {data.data_class for data in facts.data or ()}
    must = facts.encrypted_at_rest is True or bool(classes & {"confidential", "secret"})
    if not must:
        return
    if encrypted is None:
        what = "whether what it stores is encrypted is not said"
        yield undecided("IAC-05", at, missing=("its encryption",), what=what, node=node)
    elif encrypted:
        yield holds("IAC-05", at, node)
    else:
        why = "says that it is encrypted" if facts.encrypted_at_rest else "holds sensitive data"
        yield broken(
            "IAC-05", at, node=node, what=f"what it stores is not encrypted, and {node} {why}",
            fix="turn encryption at rest on",
        )  # fmt: skip
