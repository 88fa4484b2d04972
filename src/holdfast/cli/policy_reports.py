"""What ``holdfast policy`` says to people."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.app.policies import Tested
    from holdfast.policy import Decision, Difference, Explanation, Facts, Finding

SHOWN_MAX = 50
"""Findings and policies that a report spells out; ``--json`` has all of them."""

CHANGES = {
    "permits": "NEW permits",
    "loosens": "NEW asks for less of",
    "refuses": "NEW refuses",
    "tightens": "NEW asks for more of",
}


def tests_text(tested: "Tested") -> str:
    """Failures with their place, then the count, then what no test covers."""
    lines = [
        f"{each.case.file}:{each.case.line}: {each.case.name}: {fault}"
        for each in tested.failed
        for fault in each.faults
    ]
    held = len(tested.tried) - len(tested.failed)
    lines.append(f"{held} of {len(tested.tried)} tests hold")
    if tested.uncovered:
        lines.append("policies that no test determined:")
        lines += [f"  {name}" for name in tested.uncovered[:SHOWN_MAX]]
        if len(tested.uncovered) > SHOWN_MAX:
            lines.append(f"  and {len(tested.uncovered) - SHOWN_MAX} more")
    return "\n".join(lines)


def explanation_text(found: "Explanation") -> str:
    """The decision, what determined it, and near misses with their conditions."""
    lines = list(_decision_lines(found.decision))
    lines += ["", "determined by:"] if found.determining else []
    for each in found.determining:
        trial = " (on trial)" if each.mode == "trial" else ""
        lines.append(f"  {each.effect} {each.policy}  {each.place}{trial}")
    lines += ["", "applying, but overruled:"] if found.overruled else []
    lines += [f"  {each.effect} {each.policy}  {each.place}" for each in found.overruled]
    lines += ["", "in scope, but not applying:"] if found.near else []
    for each in found.near:
        lines.append(f"  {each.effect} {each.policy}  {each.place}")
        lines += [f"    {part.held:<11}  {part.text}" for part in each.conditions]
    if found.near_untold:
        lines.append(f"  and {found.near_untold} more")
    lines += ["", f"{found.elsewhere} other policies are not about such calls"]
    return "\n".join(lines)


def _decision_lines(decision: "Decision") -> Iterator[str]:
    yield f"{'allowed' if decision.allowed else 'refused'}: {decision.reason}"
    yield f"bundle {decision.bundle}"
    for noun, names in (
        ("obligations", [str(each) for each in decision.obligations]),
        ("policies on trial would refuse", decision.would_refuse),
        ("policies on trial would allow", decision.would_allow),
    ):
        if names:
            yield f"{noun}: {', '.join(names)}"


def difference_text(found: "Difference") -> str:
    """Counter-examples, then exactly what was shown and what was not."""
    lines = [line for each in found.findings[:SHOWN_MAX] for line in _finding_lines(each)]
    left = len(found.findings) - SHOWN_MAX
    if left > 0 or found.untold:
        lines.append(f"and {max(0, left) + found.untold} more differences")
    lines += [""] if lines else []
    lines += _claims(found)
    return "\n".join(lines)


def _finding_lines(finding: "Finding") -> Iterator[str]:
    yield (
        f"{CHANGES[finding.change]}: {finding.principal} {finding.action} {finding.resource}"
        f"{_facts(finding.facts)}"
    )
    yield f"    old: {_short(finding.old)}"
    yield f"    new: {_short(finding.new)}"


def _short(decision: "Decision") -> str:
    owed = ", ".join(str(each) for each in decision.obligations)
    return decision.reason + (f"; asks for {owed}" if owed else "")


def _facts(facts: "Facts") -> str:
    plain = type(facts)()
    told = [
        f"{name}={value!r}" if isinstance(value, str) else f"{name}={str(value).lower()}"
        for name, value, usual in zip(facts._fields, facts, plain, strict=True)
        if value != usual
    ]
    return f" with {', '.join(told)}" if told else ""


def _claims(found: "Difference") -> Iterator[str]:
    if found.analysed:
        same = "each difference has its example above" if found.findings else "none differs"
        yield f"proven over all facts: {found.analysed} calls (caller, action, callee); {same}"
    for each in found.enumerated[:SHOWN_MAX]:
        every = "all" if each.tried == each.of else f"{each.tried:,} of {each.of:,}"
        yield (
            f"not proven: {each.principal} {each.action} {each.resource}: {each.reason}; "
            f"tried {every} combinations of boundary values"
        )
    if len(found.enumerated) > SHOWN_MAX:
        yield f"and {len(found.enumerated) - SHOWN_MAX} more calls that were tried, not proven"
