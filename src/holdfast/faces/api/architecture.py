"""The control API's paths about the architecture. Analyses block, so they run in a thread; what was
found of one blueprint is kept."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path

from holdfast.blueprint import Level
from holdfast.blueprint.blast import How, Impact
from holdfast.blueprint.review import Finding, RuleSeverity
from holdfast.faces.architecture import ArchitectureView, Reviewed
from holdfast.faces.replies import ErrorReply

FINDINGS_MAX = 1_000
PART_CHARACTERS_MAX = 300

StateWord = Literal["down", "slow", "degraded", "up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewWaiver:
    """Who has taken a finding on himself, why, and the last day on which it holds."""

    rule: str
    at: str | None
    owner: str
    reason: str
    expires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFinding:
    """What one rule says of one part that is not in order. `subject` is a node, a relationship, a
    flow, or empty for the system; `at` is the place in the blueprint, `line` where it stands in the
    file. `waiver` is the one in force that covers it."""

    rule: str
    title: str
    severity: RuleSeverity
    level: Level
    subject: str
    at: str
    line: int | None
    what: str
    why: str
    fix: str
    way: tuple[str, ...]
    waiver: ReviewWaiver | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReply:
    """Open findings, the gravest first, then waived ones, at most 1,000 each. `missing` says which
    facts would decide how many of the `undecided`."""

    system: str
    digest: str
    date: str
    file: str
    open: int
    undecided: int
    waived: int
    holds: int
    findings: tuple[ReviewFinding, ...]
    waived_findings: tuple[ReviewFinding, ...]
    missing: dict[str, int]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastHop:
    """One step of the way that damage takes: from `part` back to what causes it."""

    part: str
    state: StateWord
    cause: str
    by: str
    over: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastPart:
    """A node, failure domain or flow that is worse off, and how the damage comes to it."""

    name: str
    state: StateWord
    way: tuple[BlastHop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastReply:
    """What falls when `faults` fail. `unguarded` are guards whose calls go on without them, `weight`
    is what it costs the business, for comparison."""

    faults: tuple[str, ...]
    how: How
    parts: tuple[BlastPart, ...]
    flows: tuple[BlastPart, ...]
    unguarded: tuple[str, ...]
    overloads: tuple[str, ...]
    weight: float
    assumed: tuple[str, ...]


def architecture_router(view: ArchitectureView) -> APIRouter:
    """``GET /api/review`` and ``GET /api/blast/{node}``."""
    router = APIRouter(tags=["architecture"])
    fails: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorReply} for status in (421, 500)
    }

    def review() -> ReviewReply:
        """The review of the blueprint in force, without evidence beyond it. `holdfast review` takes
        evidence and says more."""
        return review_reply(view.review())

    def blast(
        node: Annotated[str, Path(max_length=PART_CHARACTERS_MAX)], how: How = "stops"
    ) -> BlastReply:
        """What falls when a node, or a failure domain such as `zone:a`, fails. `holdfast blast` also
        tells what is reached when it is taken over."""
        return blast_reply(view.blast(node, how=how))

    router.add_api_route(
        "/api/review", review, summary="What a review of the architecture finds", responses=fails
    )
    router.add_api_route(
        "/api/blast/{node}",
        blast,
        summary="What falls with a part of the system",
        responses={**fails, 404: {"model": ErrorReply}, 422: {"model": ErrorReply}},
    )
    return router


def review_reply(reviewed: Reviewed) -> ReviewReply:
    report = reviewed.report
    return ReviewReply(
        system=report.name,
        digest=report.digest,
        date=report.today.isoformat(),
        file=reviewed.source,
        open=len(report.broken),
        undecided=len(report.undecided),
        waived=len(report.waived),
        holds=report.held,
        findings=tuple(_finding(each, reviewed) for each in report.broken[:FINDINGS_MAX]),
        waived_findings=tuple(_finding(each, reviewed) for each in report.waived[:FINDINGS_MAX]),
        missing=dict(report.missing()),
        remarks=report.remarks,
    )


def _finding(each: Finding, reviewed: Reviewed) -> ReviewFinding:
    judgement, waiver = each.judgement, each.waiver
    place = reviewed.places(judgement.at)
    return ReviewFinding(
        rule=each.rule.id,
        title=each.rule.title,
        severity=each.rule.severity,
        level=each.level,
        subject=judgement.subject,
        at=judgement.at,
        line=place[0] if place is not None else None,
        what=judgement.what,
        why=each.rule.why,
        fix=judgement.fix or each.rule.mend,
        way=judgement.way,
        waiver=None
        if waiver is None
        else ReviewWaiver(
            rule=waiver.rule,
            at=waiver.at,
            owner=waiver.owner,
            reason=waiver.reason,
            expires=waiver.expires,
        ),
    )


def blast_reply(impact: Impact) -> BlastReply:
    return BlastReply(
        faults=impact.faults,
        how=impact.how,
        parts=tuple(_part(impact, name, str(state)) for name, state in impact.states.items()),
        flows=tuple(
            _part(impact, name, str(state), flow=True) for name, state in impact.flows.items()
        ),
        unguarded=impact.unguarded,
        overloads=impact.overloads,
        weight=round(impact.weight, 4),
        assumed=impact.assumed,
    )


def _part(impact: Impact, name: str, state: str, *, flow: bool = False) -> BlastPart:
    hops = impact.way(f"flow!{name}" if flow else name)
    return BlastPart(
        name=name,
        state=_word(state),
        way=tuple(
            BlastHop(
                part=hop.part,
                state=_word(str(hop.state)),
                cause=hop.cause,
                by=hop.by,
                over=hop.over,
            )
            for hop in hops
        ),
    )


def _word(state: str) -> StateWord:
    return next(each for each in ("down", "slow", "degraded", "up") if each == state)
