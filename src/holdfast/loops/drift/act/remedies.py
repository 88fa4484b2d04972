"""What can be done about a finding: write it down, forbid it, or live with it for a time.

Whatever forbids is replayed over what was seen before it is offered: how many past calls it would
have refused, and whether a declared flow is among them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.blueprint import Blueprint, Node
from holdfast.blueprint.review import Patch
from holdfast.core import NodeId
from holdfast.loops.drift.act.patches import patches_for
from holdfast.loops.drift.judge import Finding, Kind, Met

WAIVER_DAYS = 30
_FORBIDDABLE = frozenset(
    {
        Kind.UNDECLARED_EDGE,
        Kind.UNDECLARED_WAY,
        Kind.STRANGER,
        Kind.CONTRADICTION,
        Kind.BYPASS,
        Kind.STALE_EDGE,
        Kind.DEAD_GRANT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A rule that would refuse a contact. ``cedar`` is a policy for the gateway, None where no
    policy can say it; ``network`` says what the network must not let pass.

    ``seen`` contacts of the past it would have refused, standing for ``calls`` calls, of which
    ``covered`` were as declared; ``flows`` are declared flows that it would cut.
    """

    cedar: str | None
    network: str
    seen: int
    calls: float
    covered: int
    flows: tuple[str, ...]

    @property
    def is_harmless(self) -> bool:
        """Whether nothing that is declared would be refused by it."""
        return not self.covered and not self.flows


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """All that is offered for one finding. ``waiver`` is an entry for ``review.waivers``."""

    patches: tuple[Patch, ...]
    note: str
    denial: Denial | None
    waiver: dict[str, str]


def remedy_for(
    finding: Finding, blueprint: Blueprint, *, met: Iterable[Met], today: date
) -> Remedy:
    """What to do about a finding; ``met`` is the traffic over which a denial is replayed."""
    patches, note = patches_for(finding, blueprint)
    return Remedy(
        patches=patches,
        note=note,
        denial=_denial(finding, blueprint, met) if finding.kind in _FORBIDDABLE else None,
        waiver={
            "rule": finding.rule,
            "at": finding.at,
            "owner": "WHO",
            "reason": "WHY",
            "expires": (today + timedelta(days=WAIVER_DAYS)).isoformat(),
        },
    )


def _denial(finding: Finding, blueprint: Blueprint, met: Iterable[Met]) -> Denial | None:
    if not finding.target:
        return None
    # Only a tool can be told apart by a policy; port, protocol and encryption by the network.
    tool = finding.seen if finding.fact == "tool" else ""
    hit = [each for each in met if _is_hit(each, finding)]
    return Denial(
        cedar=_cedar(finding, blueprint, tool=tool),
        network=_network(finding),
        seen=sum(each.count.n for each in hit),
        calls=sum(each.count.calls for each in hit),
        covered=sum(each.count.n for each in hit if each.edges and not each.contrary),
        flows=() if tool or finding.fact in {"port", "protocol"} else _cut(finding, blueprint),
    )


def _is_hit(met: Met, finding: Finding) -> bool:
    if (met.source.name, met.target.name) != (finding.source, finding.target):
        return False
    match finding.fact:
        case "tool":
            return met.contact.tool == finding.seen
        case "port":
            return str(met.contact.port) == finding.seen
        case "protocol":
            return met.contact.protocol == finding.seen
        case _:
            return True


def _cut(finding: Finding, blueprint: Blueprint) -> tuple[str, ...]:
    relationship = blueprint.relationship(NodeId(finding.source), NodeId(finding.target))
    if relationship is None:
        return ()
    return tuple(
        flow.id
        for flow in blueprint.flows
        if any(step.over == relationship.id for step in flow.steps)
    )


def _cedar(finding: Finding, blueprint: Blueprint, *, tool: str) -> str | None:
    """A policy that forbids it, where both are nodes that the gateway knows."""
    source = blueprint.nodes.get(NodeId(finding.source))
    target = blueprint.nodes.get(NodeId(finding.target))
    if source is None or target is None or finding.fact in {"port", "protocol"}:
        return None
    name = f"drift-{finding.kind.lower()}-{source.id}-{target.id}"
    when = f' when {{ context has tool && context.tool == "{_quoted(tool)}" }}' if tool else ""
    return (
        f'@id("{name}")\n@reason("{finding.rule}: found by drift")\n'
        f"forbid (principal == {_entity(source)}, action, resource == {_entity(target)}){when};\n"
    )


def _entity(node: Node) -> str:
    return f'Holdfast::{node.kind.value.capitalize()}::"{node.id}"'


def _quoted(text: str) -> str:
    """A Cedar string's inside: quotes, backslashes and control characters escaped."""
    return "".join(
        f"\\{c}" if c in '"\\' else c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text
    )


def _network(finding: Finding) -> str:
    where = f" on port {finding.seen}" if finding.fact == "port" else ""
    return (
        f"NetworkPolicy: no egress of {finding.source} to {finding.target}{where}; "
        "`holdfast export kubernetes` allows only what is declared"
    )
