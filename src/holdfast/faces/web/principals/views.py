"""What the pages about principals show, ready for their templates. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.blueprint import Blueprint, Node
from holdfast.core import Json, NodeId, canonical_json
from holdfast.faces.permissions import PermissionSeen
from holdfast.faces.view import Live, WorkerState
from holdfast.faces.web.principals.tree import Branch
from holdfast.faces.web.words import day_and_minute, outcome_mark, short_name
from holdfast.history import Call, Moment
from holdfast.identity.authority import authorities_json
from holdfast.identity.passports import Passport
from holdfast.identity.revocation import FINAL_KINDS, Revocation
from holdfast.policy import Explained, Explanation

PAIRS_SHOWN = 40
ALLOWED = "allowed"
_KIND_WORDS = {
    "key": "an API key",
    "proof": "proof of possession",
    "attested": "an attested platform",
    "mandate": "a mandate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One action of a pair: what the least proven caller must come with, or that none may."""

    action: str
    tone: str
    glyph: str
    text: str
    about: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """One declared pair and what may be asked over it."""

    caller: str
    caller_title: str
    callee: str
    callee_title: str
    relationship: str
    chips: tuple[Chip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixView:
    """One page of the matrix."""

    rows: tuple[PairRow, ...]
    pairs: int
    newer: str | None
    older: str | None
    caller: str
    callee: str
    strangers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """One policy of an explanation. ``conditions`` are (held, text)."""

    effect: str
    policy: str
    place: str
    conditions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyView:
    """Why one question would be answered as it would."""

    caller: str
    action: str
    callee: str
    kind: str
    kinds: tuple[tuple[str, str], ...]
    allowed: bool
    reason: str
    bundle: str
    obligations: tuple[str, ...]
    determining: tuple[Because, ...]
    overruled: tuple[Because, ...]
    near: tuple[Because, ...]
    elsewhere: int
    unmet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedRow:
    """One revocation in force of this principal."""

    id: str
    kind: str
    reason: str
    by: str
    since: str
    can_lift: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """How far a worker knows what is revoked."""

    worker: int
    revocations: int
    freshness: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """Something that was done to or with it, on record."""

    at: str
    kind: str
    by: str
    text: str
    index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One of its calls."""

    call: str
    at: str
    what: str
    outcome: str
    tone: str
    glyph: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportPart:
    """What stands in a passport, as pairs of words."""

    status: str
    tone: str
    glyph: str
    pairs: tuple[tuple[str, str], ...]
    authority: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalView:
    """One principal."""

    name: str
    title: str
    about: str
    spiffe: str
    keys: int | None
    passport: PassportPart | None
    revoked: tuple[RevokedRow, ...]
    workers: tuple[WorkerRow, ...]
    tree: tuple[Branch, ...]
    events: tuple[EventRow, ...]
    calls: tuple[CallRow, ...]
    kinds: tuple[tuple[str, str], ...]


def pair_rows(
    blueprint: Blueprint, found: Sequence[PermissionSeen], kinds: Sequence[str]
) -> tuple[PairRow, ...]:
    """One row a pair, its actions in order."""
    by_pair: dict[tuple[str, str], list[PermissionSeen]] = {}
    for each in found:
        by_pair.setdefault((each.caller, each.callee), []).append(each)
    return tuple(
        PairRow(
            caller=caller,
            caller_title=blueprint.nodes[NodeId(caller)].name,
            callee=callee,
            callee_title=blueprint.nodes[NodeId(callee)].name,
            relationship=mine[0].relationship,
            chips=tuple(_chip(each, kinds) for each in mine),
        )
        for (caller, callee), mine in by_pair.items()
    )


def _chip(found: PermissionSeen, kinds: Sequence[str]) -> Chip:
    answers = list(zip(kinds, found.answers, strict=True))
    least = next((kind for kind, answer in answers if answer == ALLOWED), None)
    policies = ", ".join(found.policies) or "no policy"
    others = f"; may decide otherwise: {', '.join(found.others)}" if found.others else ""
    if least is None:
        return Chip(
            action=found.action,
            tone="refused",
            glyph="✕",
            text="nobody",
            about=f"refused: {answers[-1][1]}; by {policies}{others}",
            kind=kinds[-1],
        )
    depends = bool(found.others)
    return Chip(
        action=found.action,
        tone="warned" if depends else "good",
        glyph="?" if depends else "✓",
        text=f"with {_KIND_WORDS.get(least, least)}" + (", depends" if depends else ""),
        about=f"allowed from {_KIND_WORDS.get(least, least)} on; by {policies}{others}",
        kind=least,
    )


def why_view(
    found: Explanation,
    *,
    caller: str,
    action: str,
    callee: str,
    kind: str,
    kinds: Sequence[str],
    unmet: str,
) -> WhyView:
    """``unmet`` is the demand of the relationship that such a caller does not meet, if any."""
    decision = found.decision
    return WhyView(
        caller=caller,
        action=action,
        callee=callee,
        kind=kind,
        kinds=tuple((each, _KIND_WORDS.get(each, each)) for each in kinds),
        allowed=decision.allowed and not unmet,
        reason=decision.reason,
        bundle=decision.bundle,
        obligations=tuple(str(each) for each in decision.obligations),
        determining=tuple(_because(each) for each in found.determining),
        overruled=tuple(_because(each) for each in found.overruled),
        near=tuple(_because(each) for each in found.near),
        elsewhere=found.elsewhere,
        unmet=unmet,
    )


def _because(each: Explained) -> Because:
    return Because(
        effect=f"{each.effect} (on trial)" if each.mode == "trial" else each.effect,
        policy=each.policy,
        place=each.place,
        conditions=tuple((part.held, part.text) for part in each.conditions),
    )


def passport_part(passport: Passport) -> PassportPart:
    tone, glyph = {"active": ("good", "✓"), "suspended": ("failed", "…")}.get(
        passport.status, ("refused", "✕")
    )
    made_of = passport.made_of
    pairs = [
        ("owner", passport.owner),
        ("controller", f"{passport.controller.org}, {passport.controller.contact}"),
        ("risk tier", str(passport.risk_tier)),
        ("build", passport.build),
        ("model", made_of.model.ref if made_of.model is not None else "not said"),
        ("tools", ", ".join(f"{t.server}/{t.name}" for t in made_of.tools) or "none"),
        ("version", f"{passport.seq}, by {passport.by}, {day_and_minute(passport.at)}"),
    ]
    return PassportPart(
        status=passport.status,
        tone=tone,
        glyph=glyph,
        pairs=tuple(pairs),
        authority=tuple(_authority(each) for each in authorities_json(passport.max_mandate)),
    )


def _authority(each: Json) -> str:
    return canonical_json(each).decode()


def revoked_rows(found: Sequence[Revocation], names: frozenset[str]) -> tuple[RevokedRow, ...]:
    """Those of this principal: by its own name, as an agent or a principal."""
    return tuple(
        RevokedRow(
            id=each.id,
            kind=each.kind,
            reason=each.reason,
            by=each.by,
            since=day_and_minute(each.at),
            can_lift=each.kind not in FINAL_KINDS,
        )
        for each in found
        if each.name in names
    )


def worker_rows(workers: Sequence[WorkerState]) -> tuple[WorkerRow, ...]:
    return tuple(
        WorkerRow(
            worker=each.worker,
            revocations=each.revocations,
            freshness=each.freshness,
            tone="good" if each.freshness == "fresh" else "failed",
        )
        for each in workers
    )


def event_rows(moments: Sequence[Moment]) -> tuple[EventRow, ...]:
    return tuple(
        EventRow(
            at=day_and_minute(each.at),
            kind=each.kind,
            by=each.by or "",
            text=each.text,
            index=each.index,
        )
        for each in moments
    )


def call_rows(calls: Sequence[Call]) -> tuple[CallRow, ...]:
    return tuple(_call_row(each) for each in calls)


def _call_row(call: Call) -> CallRow:
    tone, glyph = outcome_mark(call.outcome)
    return CallRow(
        call=call.call,
        at=day_and_minute(call.at),
        what=f"{call.callee} / {call.tool}" if call.tool else f"{call.callee}",
        outcome=call.outcome,
        tone=tone,
        glyph=glyph,
        rule=call.rule or "",
    )


def title_of(node: Node | None, name: str) -> tuple[str, str]:
    """What people call it, and what it is."""
    if node is None:
        return name, "Not in the blueprint: it may do nothing."
    return node.name, f"{node.type}. {node.description}"


def callers(live: Live, blueprint: Blueprint) -> tuple[str, ...]:
    """Callers seen a moment ago that the blueprint does not know."""
    seen = {short_name(each.principal) for each in live.recent if each.principal}
    return tuple(sorted(name for name in seen if name and name not in blueprint.nodes))
