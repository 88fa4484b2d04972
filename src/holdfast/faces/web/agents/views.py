"""What the pages about agents show, ready for their templates. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.blueprint import Blueprint, Node, NodeKind
from holdfast.core import NodeId
from holdfast.faces.view import Live
from holdfast.faces.web.agents.authority import Held
from holdfast.faces.web.agents.lanes import Lanes, lanes_of
from holdfast.faces.web.agents.patterns import Pattern, patterns
from holdfast.faces.web.words import (
    clock,
    day_and_minute,
    duration,
    moment,
    money,
    outcome_mark,
    short_name,
)
from holdfast.gateway import Seen
from holdfast.history import Call, Moment, Session, Traffic
from holdfast.identity.passports import Passport

STUCK_US = 60_000_000
"""A call under way is called stuck after a minute, or after three times its pair's usual longest."""
STUCK_TIMES = 3
_STATES = {
    "active": ("good", "✓", "active"),
    "suspended": ("failed", "…", "suspended"),
    "revoked": ("refused", "✕", "revoked"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """One agent: its passport's state, and what it did today."""

    name: str
    title: str
    tone: str
    glyph: str
    state: str
    last: str
    last_at: str
    calls: str
    refused: str
    failed: str
    tokens: str
    cost: str
    stuck: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session. ``took`` is from its first call to its last."""

    id: str
    began: str
    began_at: str
    took: str
    agents: str
    on_behalf_of: str
    calls: str
    refused: str
    failed: str
    tokens: str
    cost: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsView:
    """The first page about agents."""

    agents: tuple[AgentRow, ...]
    sessions: tuple[SessionRow, ...]
    older: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """One agent."""

    row: AgentRow
    description: str
    held: tuple[Held, ...]
    unused: tuple[str, ...]
    sessions: tuple[SessionRow, ...]
    older: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a session's story: a call, or a person's word about one."""

    at: str
    clock: str
    since: str
    who: str
    what: str
    tone: str
    glyph: str
    outcome: str
    took: str
    tokens: str
    spent: str
    call: str | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """One session: the drawing, the story, and what deserves a look."""

    row: SessionRow
    lanes: Lanes
    steps: tuple[Step, ...]
    patterns: tuple[Pattern, ...]
    is_cut: bool


def agents_of(blueprint: Blueprint) -> tuple[str, ...]:
    """Every declared agent."""
    return tuple(n.id for n in blueprint.nodes.values() if n.kind is NodeKind.AGENT)


def agent_rows(
    blueprint: Blueprint,
    passports: Sequence[Passport],
    today: Sequence[Traffic],
    *,
    agents: Sequence[str],
    last: Mapping[str, Call],
    stuck: Mapping[str, tuple[str, ...]],
) -> tuple[AgentRow, ...]:
    """In the order of ``agents``, nodes of the blueprint."""
    states = {short_name(each.sub): each.status for each in passports}
    return tuple(
        _agent_row(
            blueprint.nodes[NodeId(name)],
            states.get(short_name(name)),
            [each for each in today if each.caller == name],
            last=last.get(name),
            stuck=stuck.get(name, ()),
        )
        for name in agents
    )


def _agent_row(
    node: Node,
    status: str | None,
    traffic: Sequence[Traffic],
    *,
    last: Call | None,
    stuck: tuple[str, ...],
) -> AgentRow:
    tone, glyph, state = _STATES.get(status or "", ("plain", "-", "no passport"))
    return AgentRow(
        name=node.id,
        title=node.name,
        tone=tone,
        glyph=glyph,
        state=state,
        last=day_and_minute(last.at) if last is not None else "never",
        last_at=moment(last.at) if last is not None else "",
        calls=f"{sum(each.calls for each in traffic):,}",
        refused=f"{sum(each.refused for each in traffic):,}",
        failed=f"{sum(each.failed for each in traffic):,}",
        tokens=f"{sum(each.tokens_in + each.tokens_out for each in traffic):,}",
        cost=money(sum(each.cost for each in traffic)),
        stuck=stuck,
    )


def session_row(session: Session) -> SessionRow:
    return SessionRow(
        id=session.session,
        began=day_and_minute(session.began),
        began_at=moment(session.began),
        took=duration(session.last - session.began),
        agents=", ".join(session.agents) or "unknown caller",
        on_behalf_of=session.on_behalf_of or "",
        calls=f"{session.calls:,}",
        refused=f"{session.refused:,}" if session.refused else "",
        failed=f"{session.failed:,}" if session.failed else "",
        tokens=f"{session.tokens_in + session.tokens_out:,}",
        cost=money(session.cost),
    )


def stuck_calls(live: Live, usual: Mapping[tuple[str, str], int]) -> dict[str, tuple[str, ...]]:
    """By agent: calls under way for a minute, or for three times what nearly all of their pair take
    (``usual``: its 99th percentile in microseconds), whichever is longer."""
    found: dict[str, list[str]] = {}
    for seen in live.in_flight:
        agent, callee = short_name(seen.principal), seen.resource or ""
        took = live.at - seen.at
        if took > max(STUCK_US, STUCK_TIMES * usual.get((agent, callee), 0)):
            found.setdefault(agent, []).append(_stuck(seen, took))
    return {agent: tuple(words) for agent, words in found.items()}


def _stuck(seen: Seen, took: int) -> str:
    return f"its call to {seen.resource} has been under way for {duration(took)}"


def session_view(
    session: Session,
    calls: Sequence[Call],
    approvals: Sequence[Moment],
    *,
    blueprint: Blueprint,
    is_cut: bool,
) -> SessionView:
    """``calls`` in the order they began; ``approvals`` are people's words about any of them."""
    return SessionView(
        row=session_row(session),
        lanes=lanes_of(calls),
        steps=_steps(calls, approvals),
        patterns=patterns(calls, blueprint),
        is_cut=is_cut,
    )


def _steps(calls: Sequence[Call], approvals: Sequence[Moment]) -> tuple[Step, ...]:
    ids = {call.call for call in calls}
    began = calls[0].at
    lines: list[tuple[int, Step]] = []
    spent, previous = 0, None
    for call in calls:
        spent += call.cost or 0
        lines.append((call.at, _step(call, began=began, spent=spent, previous=previous)))
        previous = call
    lines += [(each.at, _word(each, began)) for each in approvals if each.subject in ids]
    return tuple(step for _, step in sorted(lines, key=lambda line: line[0]))


def _step(call: Call, *, began: int, spent: int, previous: Call | None) -> Step:
    tone, glyph = outcome_mark(call.outcome)
    tokens = (call.tokens_in or 0) + (call.tokens_out or 0)
    return Step(
        at=moment(call.at),
        clock=clock(call.at),
        since=f"+{duration(call.at - began)}",
        who=call.caller or "unknown caller",
        what=f"{call.callee} / {call.tool}" if call.tool else f"{call.callee}",
        tone=tone,
        glyph=glyph,
        outcome=call.outcome,
        took=duration(call.duration_us),
        tokens=f"{tokens:,}" if tokens else "",
        spent=money(spent) if spent else "",
        call=call.call,
        note=_note(call, previous),
    )


def _note(call: Call, previous: Call | None) -> str:
    """What is particular about it."""
    notes: list[str] = []
    if previous is not None and len(call.chain) > len(previous.chain):
        notes.append(f"with authority handed on by {short_name(call.chain[-1]) or call.chain[-1]}")
    if call.rule:
        notes.append(call.rule)
    if call.approver:
        notes.append(f"approved by {call.approver}")
    if call.fallback:
        notes.append(f"fell back over {call.fallback}")
    if call.attempts > 1:
        notes.append(f"{call.attempts} attempts")
    if call.cached:
        notes.append("from the cache")
    return "; ".join(notes)


def _word(each: Moment, began: int) -> Step:
    given = each.kind == "approval.given"
    return Step(
        at=moment(each.at),
        clock=clock(each.at),
        since=f"+{duration(max(each.at - began, 0))}",
        who=each.by or "somebody",
        what="let the call go on" if given else "refused the call",
        tone="good" if given else "refused",
        glyph="✓" if given else "✕",
        outcome="approved" if given else "denied",
        took="",
        tokens="",
        spent="",
        call=None,
        note=each.text,
    )
