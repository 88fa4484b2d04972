"""The test kit for review rules: the one that Holdfast's own rules are tested with.

``assert_rule`` holds one rule against one blueprint. ``read_cases`` reads a file of cases (a rule, a
list of blueprints, what the rule must say of each part) and ``faults_of`` says where the rule says
something else. ``weaknesses_of`` replaces the rule's judge by ones that look at nothing: a set of
cases that one of these passes does not test the rule.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from holdfast.blueprint import BlueprintError, Plain, load
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import (
    Case,
    Evidence,
    EvidenceKind,
    Judgement,
    PatchError,
    Rule,
    Verdict,
    patched,
    steps_to,
)
from holdfast.testing.review_cases import (
    TODAY,
    RuleCase,
    RuleCases,
    RuleCasesError,
    filled,
    read_cases,
)

__all__ = [
    "RuleCase",
    "RuleCases",
    "RuleCasesError",
    "assert_rule",
    "case_of",
    "faults_of",
    "filled",
    "judged",
    "read_cases",
    "weaknesses_of",
]


def case_of(text: str, *, evidence: Evidence | None = None, today: date = TODAY) -> Case:
    """What a rule judges, made of a blueprint's text; ``BlueprintError`` when it is none."""
    blueprint = load(text, source="case", read=_no_files)
    return Case(
        system=System(blueprint),
        evidence=evidence or Evidence(),
        today=today,
        limits=blueprint.review.limits,
    )


def judged(
    rule: Rule, text: str, *, evidence: Evidence | None = None, today: date = TODAY
) -> tuple[Judgement, ...]:
    """What the rule says of the blueprint ``text``, in its own order."""
    return tuple(rule.judge(case_of(text, evidence=evidence, today=today)))


def assert_rule(
    rule: Rule,
    text: str,
    *,
    expect: Mapping[str, str | Sequence[str]],
    evidence: Evidence | None = None,
    today: date = TODAY,
) -> None:
    """Fail unless the rule judges exactly the subjects of ``expect`` ("" is the whole system), each
    with the verdict written there; a list where it judges one several times."""
    found = _by_subject(judged(rule, text, evidence=evidence, today=today))
    wanted = {
        subject: tuple(sorted([said] if isinstance(said, str) else said))
        for subject, said in expect.items()
    }
    assert found == wanted, f"{rule.id} says {found}, but should say {wanted}"


def faults_of(rule: Rule, cases: RuleCases) -> list[str]:
    """Every way in which the rule does not do what its cases say, in words."""
    faults = [] if rule.id == cases.rule else [f"{cases.source} is about {cases.rule}"]
    faults.extend(_absent_kinds(cases))
    for case in cases.cases:
        faults.extend(f"{case.name}: {fault}" for fault in _faults_in(rule, case))
    return faults


def weaknesses_of(rule: Rule, cases: RuleCases) -> list[str]:
    """The judges without a check that these cases do not tell from the rule's own."""
    said = [(case, tuple(rule.judge(_case(case)))) for case in cases.cases]
    blind: dict[str, Callable[[Judgement], Verdict]] = {
        "finds all in order": lambda _: Verdict.HOLDS,
        "finds all broken": lambda _: Verdict.BROKEN,
        "decides nothing": lambda _: Verdict.UNDECIDED,
        "finds nothing broken": lambda each: _unless(each.verdict, Verdict.BROKEN),
    }
    if not cases.never_undecided:
        blind["takes the unknown for good"] = lambda each: _unless(each.verdict, Verdict.UNDECIDED)
    found = [] if any(case.expect for case, _ in said) else ["a judge that says nothing passes"]
    for name, verdict in blind.items():
        if not any(
            _verdict_faults([replace(each, verdict=verdict(each)) for each in judgements], case)
            for case, judgements in said
        ):
            found.append(f"a judge that {name} passes")
    return found


def _unless(verdict: Verdict, unwanted: Verdict) -> Verdict:
    return Verdict.HOLDS if verdict is unwanted else verdict


def _case(case: RuleCase) -> Case:
    return case_of(json.dumps(case.blueprint), evidence=case.evidence, today=case.today)


def _absent_kinds(cases: RuleCases) -> Iterator[str]:
    told = {verdict for case in cases.cases for said in case.expect.values() for verdict in said}
    for verdict in Verdict:
        if verdict is Verdict.UNDECIDED and cases.never_undecided:
            if verdict in told:
                yield "a case is undecided, though `never_undecided` says that none can be"
        elif verdict not in told:
            yield f"no case is {verdict}"


def _faults_in(rule: Rule, case: RuleCase) -> Iterator[str]:
    found = tuple(rule.judge(_case(case)))
    yield from _verdict_faults(found, case)
    for judgement in found:
        yield from _shape_faults(judgement, case)
    for subject, missing in case.missing.items():
        said = [j.missing for j in found if j.subject == subject and j.missing]
        if sorted(name for names in said for name in names) != list(missing):
            yield f"{subject}: asks for {said}, not for {list(missing)}"
    if case.mended:
        yield from _mending_faults(rule, case, found)


def _verdict_faults(judgements: Iterable[Judgement], case: RuleCase) -> list[str]:
    found = _by_subject(judgements)
    if found == case.expect:
        return []
    return [f"says {found}, but should say {dict(case.expect)}"]


def _by_subject(found: Iterable[Judgement]) -> dict[str, tuple[str, ...]]:
    verdicts: dict[str, list[str]] = {}
    for judgement in found:
        verdicts.setdefault(judgement.subject, []).append(judgement.verdict.value)
    return {subject: tuple(sorted(said)) for subject, said in verdicts.items()}


def _shape_faults(judgement: Judgement, case: RuleCase) -> Iterator[str]:
    """What every judgement owes to whoever reads it."""
    name = f"{judgement.subject or 'the system'} ({judgement.verdict})"
    if judgement.subject and judgement.subject not in _subjects(case.blueprint):
        yield f"{name}: is no node, relationship or flow"
    if judgement.at and not steps_to(case.blueprint, judgement.at):
        yield f"{name}: is at `{judgement.at}`, which begins with nothing that is there"
    match judgement.verdict:
        case Verdict.BROKEN:
            if not (judgement.what and judgement.fix):
                yield f"{name}: does not say what is broken and how to mend it"
        case Verdict.UNDECIDED:
            if not judgement.missing:
                yield f"{name}: does not say what is missing"
            yield from (
                f"{name}: `{each}` is no place in the blueprint and no kind of evidence"
                for each in judgement.missing
                if not _is_askable(case.blueprint, each)
            )
        case Verdict.HOLDS:
            pass
    for patch in judgement.patches:
        fault = None if patch.note else _patch_fault(case, judgement)
        if fault:
            yield f"{name}: {fault}"


def _is_askable(data: Plain, name: str) -> bool:
    first, dot, _ = name.partition(".")
    return name in set(EvidenceKind) or bool(steps_to(data, name)) or not dot or first == "facts"


def _subjects(blueprint: Mapping[str, Plain]) -> set[str]:
    nodes = blueprint.get("nodes")
    found = set(nodes) if isinstance(nodes, dict) else set[str]()
    for key in ("relationships", "flows"):
        parts = blueprint.get(key)
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                found.add(str(part.get("id")))
    return found


def _patch_fault(case: RuleCase, judgement: Judgement) -> str | None:
    try:
        load(json.dumps(patched(case.blueprint, judgement.patches)), source="case", read=_no_files)
    except (PatchError, BlueprintError) as error:
        return f"its patches give no blueprint: {error}"
    return None


def _mending_faults(rule: Rule, case: RuleCase, found: Iterable[Judgement]) -> Iterator[str]:
    patches = [patch for judgement in found for patch in judgement.patches]
    text = json.dumps(patched(case.blueprint, patches))
    after = judged(rule, text, evidence=case.evidence, today=case.today)
    broken = [judgement.subject for judgement in after if judgement.verdict is Verdict.BROKEN]
    if broken:
        yield f"its patches leave broken: {broken}"


def _no_files(name: str) -> str:
    raise FileNotFoundError(name)
