"""Writes docs/architecture/rules.md: every review rule, from the rules themselves.

python tools/generate_rules_reference.py          write it
python tools/generate_rules_reference.py --check  say whether it is up to date
"""

from itertools import groupby

from reference_pages import ROOT, note, settle, table

from holdfast.blueprint import ReviewLimitsForm
from holdfast.blueprint.review import EvidenceKind, Rule, built_in_rules

PAGE = ROOT / "docs" / "architecture" / "rules.md"

FAMILIES = {
    "AG": "Agents",
    "DT": "Data",
    "GV": "Governance",
    "MH": "The model itself",
    "OB": "Observability",
    "PI": "Prompt injection",
    "RS": "Resilience",
    "SC": "Supply chain",
    "TB": "Trust boundaries",
}

INTRODUCTION = """\
# Review rules

{note}

What [`holdfast review`](review.md) asks of a system: {count} rules. Each gives one of three verdicts on
every part it is about: *holds*, *broken*, or *undecided*, with the fact or the evidence that is
missing. By severity a finding blocks (critical, high), warns (medium) or advises (low), until an
organisation or a team says otherwise.

Under *evidence* stands what a rule may use beside the blueprint, as `--evidence` names it; some rules
decide by the blueprint alone where that says enough.

| evidence | what it is |
|---|---|
{evidence}
"""

EVIDENCE = {
    EvidenceKind.TRACES: "what was seen in traces: OTLP, Jaeger, Nezha files",
    EvidenceKind.CALLS: "what the gateway recorded: a data directory",
    EvidenceKind.WORKLOADS: "Kubernetes manifests or live objects",
    EvidenceKind.CONTROLS: "dated evidence of controls, as CALM has it",
    EvidenceKind.COMPONENTS: "bills of materials in CycloneDX",
    EvidenceKind.CHANGES: "records of changes, as JSON lines",
    EvidenceKind.DOCUMENTS: "documents that the blueprint names by URL: requirements, patterns",
}


def main() -> int:
    """The page, family by family."""
    rules = built_in_rules()
    evidence = "\n".join(f"| `{kind}` | {EVIDENCE[kind]} |" for kind in EvidenceKind)
    head = INTRODUCTION.format(
        note=note("generate_rules_reference.py"), count=len(rules), evidence=evidence
    )
    parts = [head, limits()]
    for family, found in groupby(rules, key=lambda rule: rule.id.partition("-")[0]):
        members = list(found)
        parts.append(f"## {FAMILIES.get(family, family)}\n")
        rows = [
            (f"[`{rule.id}`](#{rule.id.lower()})", rule.title, rule.severity, evidence_of(rule))
            for rule in members
        ]
        parts.append(table(("rule", "asks", "severity", "evidence"), rows))
        parts.extend(section(rule) for rule in members)
    return settle(PAGE, "\n".join(parts).rstrip("\n") + "\n")


def limits() -> str:
    """From where on something is too much."""
    rows = [
        (f"`{name}`", str(info.default), info.description or "")
        for name, info in ReviewLimitsForm.model_fields.items()
    ]
    return "Limits, under `review.limits`:\n\n" + table(("limit", "default", "what for"), rows)


def evidence_of(rule: Rule) -> str:
    return ", ".join(f"`{kind}`" for kind in rule.needs) or "the blueprint"


def section(rule: Rule) -> str:
    """One rule in full."""
    return (
        f"### {rule.id}\n\n**{rule.title}** ({rule.severity})\n\n{rule.why}\n\n"
        f"*Mend.* {rule.mend}\n\n*Sources.* {'; '.join(rule.sources)}\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
