"""What a review came to: every rule with what it says of every subject."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from holdfast.blueprint import LEVELS, Level, WaiverForm
from holdfast.blueprint.review.evidence import EvidenceKind
from holdfast.blueprint.review.patterns import PatternReport
from holdfast.blueprint.review.rule import Judgement, Rule, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One judgement of one rule. ``waiver`` is the active one that covers it, if any; ``before``
    says that it was there already in what the review compares with."""

    rule: Rule
    level: Level
    judgement: Judgement
    waiver: WaiverForm | None = None
    before: bool = False

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def is_open(self) -> bool:
        """Broken, not waived, and new."""
        return self.verdict is Verdict.BROKEN and self.waiver is None and not self.before

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same when other parts of the file change."""
        return self.rule.id, self.judgement.subject, self.judgement.at


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """All that one rule says; nothing where its level is ``off``."""

    rule: Rule
    level: Level
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Report:
    """A whole review. ``remarks`` are about the review itself: waivers that cover nothing, levels
    that a team may not soften. ``given`` is the evidence that was at hand; ``patterns`` says where
    design patterns are and where they would help, when all rules were asked."""

    name: str
    digest: str
    today: date
    results: tuple[RuleResult, ...]
    remarks: tuple[str, ...]
    given: tuple[EvidenceKind, ...]
    patterns: tuple[PatternReport, ...] = ()
    since: str | None = None

    def __iter__(self) -> Iterator[Finding]:
        return (finding for result in self.results for finding in result.findings)

    @cached_property
    def broken(self) -> tuple[Finding, ...]:
        """Open findings, the gravest first: by severity, then rule, then as the rule has them."""
        return _by_gravity(finding for finding in self if finding.is_open)

    @cached_property
    def undecided(self) -> tuple[Finding, ...]:
        """What could not be decided and is not waived, the gravest rules first."""
        found = (f for f in self if f.verdict is Verdict.UNDECIDED and f.waiver is None)
        return _by_gravity(found)

    @cached_property
    def waived(self) -> tuple[Finding, ...]:
        """Findings that somebody has taken on himself."""
        return _by_gravity(f for f in self if f.waiver is not None)

    @cached_property
    def before(self) -> tuple[Finding, ...]:
        """Broken, but not newly."""
        found = (f for f in self if f.before and f.verdict is Verdict.BROKEN and not f.waiver)
        return _by_gravity(found)

    @cached_property
    def held(self) -> int:
        """How many judgements are that all is in order."""
        return sum(finding.verdict is Verdict.HOLDS for finding in self)

    def fails(self, fail_on: Level, *, on_undecided: bool = False) -> bool:
        """Whether something at this level or above is broken; with ``on_undecided`` also whether
        a rule at this level or above cannot be decided."""
        at = LEVELS.index(fail_on)
        found = (*self.broken, *(self.undecided if on_undecided else ()))
        return any(LEVELS.index(finding.level) >= at for finding in found)

    def missing(self) -> tuple[tuple[str, int], ...]:
        """What would decide how many of the undecided, most first: kinds of evidence and facts,
        the latter by what they are called, wherever they are missing."""
        counted: dict[str, int] = {}
        for finding in self.undecided:
            for name in dict.fromkeys(_kind_of(each) for each in finding.judgement.missing):
                counted[name] = counted.get(name, 0) + 1
        return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _by_gravity(findings: Iterator[Finding]) -> tuple[Finding, ...]:
    from_gravest = {"critical": 0, "high": 1, "medium": 2, "low": 3}
    return tuple(sorted(findings, key=lambda f: (from_gravest[f.rule.severity], f.rule.id)))


def _kind_of(missing: str) -> str:
    """``nodes.agent.facts.bounds`` is ``facts.bounds``; evidence is ``--evidence traces``."""
    if missing in set(EvidenceKind):
        return f"--evidence {missing}"
    _, found, rest = missing.partition(".facts.")
    if found:
        return f"facts.{rest}"
    _, found, rest = missing.partition(".controls.")
    return f"controls.{rest}" if found else missing
