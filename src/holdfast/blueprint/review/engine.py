"""The review itself: every rule asked about one system on one day. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from holdfast.blueprint import Level, WaiverForm
from holdfast.blueprint.graph import System
from holdfast.blueprint.review.catalogue import built_in_rules
from holdfast.blueprint.review.errors import ReviewError
from holdfast.blueprint.review.evidence import Evidence, EvidenceKind
from holdfast.blueprint.review.findings import Finding, Report, RuleResult
from holdfast.blueprint.review.levels import effective_level, softenings
from holdfast.blueprint.review.packs import Pack, limits_within
from holdfast.blueprint.review.patterns import patterns
from holdfast.blueprint.review.rule import Case, Rule, Verdict
from holdfast.blueprint.review.waivers import Waivers, idle, waivers_on
from holdfast.core import Progress, untold


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a review goes by. ``rules`` are all there are; ``only`` those that are asked (all, when
    it is None); ``packs`` are the organisation's."""

    rules: tuple[Rule, ...] = field(default_factory=built_in_rules)
    packs: tuple[Pack, ...] = ()
    only: Collection[str] | None = None


def review(
    system: System,
    evidence: Evidence,
    today: date,
    *,
    settings: Settings | None = None,
    progress: Progress = untold,
) -> Report:
    """What every rule says of every part. The same system, evidence, day and settings give the
    same report. ``ReviewError`` when a rule falls over: a review without it would not be one."""
    using = settings or Settings()
    form = system.blueprint.review
    team = form.levels or {}
    packed = [pack.levels for pack in using.packs]
    waivers = waivers_on(today, form.waivers or (), packs=using.packs, rules=using.rules)
    case = Case(
        system=system,
        evidence=evidence,
        today=today,
        limits=limits_within(form.limits, using.packs),
    )
    asked = [rule for rule in using.rules if using.only is None or rule.id in using.only]
    results: list[RuleResult] = []
    for rule in asked:
        progress(len(results), len(asked))
        level = effective_level(rule, packs=packed, team=team)
        results.append(_asked(rule, level, case, waivers))
    return Report(
        name=system.blueprint.name,
        digest=str(system.blueprint.digest),
        today=today,
        results=tuple(results),
        remarks=tuple(_remarks(using, waivers, tuple(results), packed=packed, team=team)),
        given=kinds_given(evidence),
        patterns=patterns(case) if using.only is None else (),
    )


def _asked(rule: Rule, level: Level, case: Case, waivers: Waivers) -> RuleResult:
    if level == "off":
        return RuleResult(rule=rule, level=level, findings=())
    try:
        found = tuple(rule.judge(case))
    except Exception as error:
        raise ReviewError(
            f"the rule {rule.id} fell over: {type(error).__name__}: {error}",
            fix=f"mend the rule; until then leave it out: `review: {{levels: {{{rule.id}: off}}}}`",
        ) from error
    findings = tuple(
        Finding(rule=rule, level=level, judgement=each, waiver=waivers.covering(rule, each))
        for each in found
    )
    return RuleResult(rule=rule, level=level, findings=findings)


def _remarks(
    using: Settings,
    waivers: Waivers,
    results: Iterable[RuleResult],
    *,
    packed: Sequence[Mapping[str, Level]],
    team: Mapping[str, Level],
) -> Iterator[str]:
    for name in softenings(using.rules, packs=packed, team=team):
        yield f"review.levels cannot make {name} milder than the organisation's pack has it"
    yield from waivers.refused
    if using.only is None:
        used: list[WaiverForm] = [
            finding.waiver for result in results for finding in result.findings if finding.waiver
        ]
        yield from idle(waivers, used)


def kinds_given(evidence: Evidence) -> tuple[EvidenceKind, ...]:
    return tuple(kind for kind in EvidenceKind if getattr(evidence, kind) is not None)


def compared(report: Report, earlier: Report, *, since: str) -> Report:
    """The report with what was broken in ``earlier`` already marked as not new."""
    known: dict[tuple[str, str, str], int] = {}
    for finding in earlier:
        if finding.verdict is Verdict.BROKEN:
            known[finding.key] = known.get(finding.key, 0) + 1
    results: list[RuleResult] = []
    for result in report.results:
        marked: list[Finding] = []
        for finding in result.findings:
            old = finding.verdict is Verdict.BROKEN and known.get(finding.key, 0) > 0
            if old:
                known[finding.key] -= 1
            marked.append(replace(finding, before=old))
        results.append(replace(result, findings=tuple(marked)))
    return replace(report, results=tuple(results), since=since)
