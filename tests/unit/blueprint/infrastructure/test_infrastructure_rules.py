"""Every rule IAC-01 to IAC-08 is told apart, by the cases below, from a check that is not there.

Each rule has a case that is broken, one that holds, and, where facts can be unknown, one that cannot be
decided; of plans and, where manifests are asked the same, of those.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from declaring import manifests_of, pod, system_of

from holdfast.blueprint.infrastructure import (
    RULES,
    InfraFinding,
    InfraReport,
    RuleId,
    check_infrastructure,
    read_modules,
    read_plan,
)
from holdfast.blueprint.kubernetes import cluster_of
from holdfast.blueprint.review import Verdict

BROKEN, HOLDS, UNDECIDED = Verdict.BROKEN, Verdict.HOLDS, Verdict.UNDECIDED
TAGGED = {"tags": {"holdfast-node": "db"}}
APPROVED = read_modules("modules: [{source: acme/db/aws, versions: '>= 6, < 7'}]", source="a.yaml")
NEVER_UNDECIDED = frozenset[RuleId](("IAC-02", "IAC-06", "IAC-07", "IAC-08"))
"""What is given decides these always."""
OF_MANIFESTS: tuple[RuleId, ...] = ("IAC-03", "IAC-04", "IAC-05", "IAC-06", "IAC-07")

Verdicts = tuple[Verdict, ...]
Mutant = Callable[[InfraFinding], InfraFinding | None]


@dataclass(frozen=True, kw_only=True)
class Asked:
    rule: RuleId
    report: InfraReport
    expect: Verdicts

    def said(self, mutant: Mutant | None = None) -> Verdicts:
        found = [each for each in self.report.findings if each.rule == self.rule]
        changed = found if mutant is None else [mutant(each) for each in found]
        return tuple(each.verdict for each in changed if each is not None)


def _resource(kind: str, after: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    actions = more.get("actions", ["create"])
    values = {"before": dict(after), "after": None} if actions == ["delete"] else {"after": after}
    module = more.get("module", "")
    return {
        "address": f"{module}.{kind}.it".lstrip("."),
        "module_address": module,
        "mode": "managed",
        "type": kind,
        "name": "it",
        "change": {"actions": actions, "after_unknown": more.get("unknown", {}), **values},
    }


def of_plan(
    rule: RuleId,
    *expect: Verdict,
    facts: Mapping[str, Any] | None = None,
    module: Mapping[str, Any] | None = None,
    resources: Sequence[Mapping[str, Any]] = (),
) -> Asked:
    calls = {"root_module": {"module_calls": {"one": module}}} if module else {}
    written = {"format_version": "1.2", "resource_changes": resources, "configuration": calls}
    system = system_of({"db": {"type": "database", "facts": dict(facts or {})}})
    report = check_infrastructure(
        system,
        cluster_of(system.blueprint),
        plans=[read_plan(json.dumps(written), source="plan.json")],
        modules=APPROVED,
    )
    return Asked(rule=rule, report=report, expect=expect)


def of_manifests(
    rule: RuleId, *expect: Verdict, facts: Mapping[str, Any] | None = None, **made: Any
) -> Asked:
    stored = pod(made.get("name", "db"))
    stored["spec"] |= made.get("spec", {})
    system = system_of({"db": {"type": "database", "facts": dict(facts or {})}})
    manifests = manifests_of(stored, *made.get("beside", ()))
    report = check_infrastructure(system, cluster_of(system.blueprint), manifests=manifests)
    return Asked(rule=rule, report=report, expect=expect)


def _db(**more: Any) -> dict[str, Any]:
    return _resource("aws_db_instance", {**TAGGED, **more.pop("values", {})}, **more)


def _call(version: str | None, source: str = "acme/db/aws") -> dict[str, Any]:
    return {"source": source, **({"version_constraint": version} if version else {})}


EU, US = "topology.kubernetes.io/region", "us-east-1"
VOLUME = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}
CLAIM = {"kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "shop"},
         "spec": {"storageClassName": "some"}}  # fmt: skip
BALANCER = {
    "kind": "Service", "metadata": {"name": "db", "namespace": "shop"},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 5432}],
             "selector": {"app.kubernetes.io/name": "db"}},
}  # fmt: skip


def _class(encrypted: str) -> dict[str, Any]:
    named = {"kind": "StorageClass", "metadata": {"name": "some"}}
    return {**named, "parameters": {"encrypted": encrypted}}


def _lies(region: str) -> dict[str, Any]:
    return {"nodeSelector": {EU: region}}


PLANS: tuple[Asked, ...] = (
    of_plan("IAC-01", BROKEN, module=_call("5.0.0")),
    of_plan("IAC-01", HOLDS, module=_call("6.1.0")),
    of_plan("IAC-01", UNDECIDED, module=_call(None)),
    of_plan("IAC-02", BROKEN, resources=[_db()]),
    of_plan("IAC-02", HOLDS, resources=[_db(module="module.one")]),
    of_plan("IAC-03", BROKEN, facts={"region": "eu-west-1"}, resources=[_db(values={"region": US})]),
    of_plan("IAC-03", HOLDS, facts={"region": US}, resources=[_db(values={"region": US})]),
    of_plan("IAC-03", UNDECIDED, facts={"region": US}, resources=[_db()]),
    of_plan("IAC-04", BROKEN, facts={"exposed": False}, resources=[_resource("aws_lb", TAGGED)]),
    of_plan("IAC-04", HOLDS, facts={"exposed": True}, resources=[_resource("aws_lb", TAGGED)]),
    of_plan("IAC-04", UNDECIDED, resources=[_resource("aws_lb", TAGGED)]),
    of_plan(
        "IAC-05", BROKEN, facts={"encrypted_at_rest": True},
        resources=[_db(values={"storage_encrypted": False})],
    ),
    of_plan(
        "IAC-05", HOLDS, facts={"encrypted_at_rest": True},
        resources=[_db(values={"storage_encrypted": True})],
    ),
    of_plan(
        "IAC-05", UNDECIDED, facts={"encrypted_at_rest": True},
        resources=[_db(unknown={"storage_encrypted": True})],
    ),
    of_plan("IAC-05", resources=[_db(values={"storage_encrypted": False})]),
    of_plan("IAC-06", BROKEN, resources=[_resource("aws_db_instance", {})]),
    of_plan("IAC-06", HOLDS, resources=[_db()]),
    of_plan("IAC-07", BROKEN),
    of_plan("IAC-07", HOLDS, resources=[_db()]),
    of_plan("IAC-08", BROKEN, resources=[_db(actions=["delete"])]),
    of_plan("IAC-08", HOLDS, resources=[_db()]),
)  # fmt: skip
MANIFESTS: tuple[Asked, ...] = (
    of_manifests("IAC-03", BROKEN, facts={"region": "eu-west-1"}, spec=_lies(US)),
    of_manifests("IAC-03", HOLDS, facts={"region": US}, spec=_lies(US)),
    of_manifests("IAC-03", UNDECIDED, facts={"region": US}),
    of_manifests("IAC-04", BROKEN, facts={"exposed": False}, beside=[BALANCER]),
    of_manifests("IAC-04", HOLDS, facts={"exposed": True}, beside=[BALANCER]),
    of_manifests("IAC-04", UNDECIDED, beside=[BALANCER]),
    of_manifests(
        "IAC-05", BROKEN, facts={"encrypted_at_rest": True}, spec=VOLUME,
        beside=[CLAIM, _class("false")],
    ),
    of_manifests(
        "IAC-05", HOLDS, facts={"encrypted_at_rest": True}, spec=VOLUME,
        beside=[CLAIM, _class("true")],
    ),
    of_manifests("IAC-05", UNDECIDED, facts={"encrypted_at_rest": True}, spec=VOLUME),
    of_manifests("IAC-06", BROKEN, name="shadow"),
    of_manifests("IAC-06", HOLDS),
    of_manifests("IAC-07", BROKEN, name="shadow"),
    of_manifests("IAC-07", HOLDS),
)  # fmt: skip
SOURCES = {"plan": PLANS, "manifests": MANIFESTS}
RULES_BY_SOURCE = [
    *(("plan", rule) for rule in RULES),
    *(("manifests", rule) for rule in OF_MANIFESTS),
]


def _always(verdict: Verdict) -> Mutant:
    return lambda each: replace(each, verdict=verdict)


def _without(verdict: Verdict) -> Mutant:
    return lambda each: replace(each, verdict=HOLDS) if each.verdict is verdict else each


MUTANTS: Mapping[str, Mutant] = {
    "says nothing": lambda _: None,
    "finds all in order": _always(HOLDS),
    "finds all broken": _always(BROKEN),
    "decides nothing": _always(UNDECIDED),
    "finds nothing broken": _without(BROKEN),
    "takes the unknown for good": _without(UNDECIDED),
    "does not tell what holds": lambda each: None if each.verdict is HOLDS else each,
}


def cases(source: str, rule: RuleId) -> list[Asked]:
    return [each for each in SOURCES[source] if each.rule == rule]


@pytest.mark.parametrize(("source", "rule"), RULES_BY_SOURCE)
def test_a_rule_says_what_its_cases_expect(source: str, rule: RuleId) -> None:
    assert [each.said() for each in cases(source, rule)] == [
        each.expect for each in cases(source, rule)
    ]


@pytest.mark.parametrize(("source", "rule"), RULES_BY_SOURCE)
def test_a_rule_has_a_case_of_every_verdict(source: str, rule: RuleId) -> None:
    told = {verdict for each in cases(source, rule) for verdict in each.expect}
    assert told == {BROKEN, HOLDS} | (set() if rule in NEVER_UNDECIDED else {UNDECIDED})


@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.parametrize(("source", "rule"), RULES_BY_SOURCE)
def test_no_rule_passes_when_its_check_is_removed(source: str, rule: RuleId, mutant: str) -> None:
    if mutant == "takes the unknown for good" and rule in NEVER_UNDECIDED:
        return
    of_rule = cases(source, rule)
    assert any(each.said(MUTANTS[mutant]) != each.expect for each in of_rule)


def test_what_is_broken_says_how_to_mend_it_and_what_is_undecided_what_is_missing() -> None:
    for each in (*PLANS, *MANIFESTS):
        for finding in each.report.findings:
            assert bool(finding.what and finding.fix) == (finding.verdict is BROKEN), finding
            assert bool(finding.missing) == (finding.verdict is UNDECIDED), finding
