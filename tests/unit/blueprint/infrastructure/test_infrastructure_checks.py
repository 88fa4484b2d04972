"""Plans and manifests are held against facts: what is broken, what holds, what cannot be known."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from declaring import manifests_of, pod, system_of

from holdfast.blueprint.graph import System
from holdfast.blueprint.infrastructure import (
    ApprovedModules,
    InfraReport,
    ModulesError,
    Plan,
    PlanError,
    check_infrastructure,
    read_modules,
    read_plan,
)
from holdfast.blueprint.kubernetes import cluster_of
from holdfast.blueprint.review import Verdict

B, H, U = Verdict.BROKEN, Verdict.HOLDS, Verdict.UNDECIDED
TAGS = {"tags": {"holdfast-node": "db"}}


def resource(
    kind: str,
    after: Mapping[str, Any] | None = None,
    *,
    module: str = "",
    actions: Sequence[str] = ("create",),
    unknown: Mapping[str, Any] | None = None,
    name: str = "it",
) -> dict[str, Any]:
    gone = list(actions) == ["delete"]
    values = dict(after or {})
    return {
        "address": f"{module}.{kind}.{name}".lstrip("."),
        "module_address": module,
        "mode": "managed",
        "type": kind,
        "name": name,
        "change": {
            "actions": list(actions),
            "before": values if gone else None,
            "after": None if gone else values,
            "after_unknown": dict(unknown or {}),
        },
    }


def plan(*resources: Mapping[str, Any], configuration: Mapping[str, Any] | None = None) -> Plan:
    written = {
        "format_version": "1.2",
        "resource_changes": resources,
        "configuration": configuration or {},
    }
    return read_plan(json.dumps(written), source="plan.json")


def db(**facts: Any) -> System:
    return system_of({"db": {"type": "database", "facts": facts}})


def report(found: Plan, system: System, modules: ApprovedModules | None = None) -> InfraReport:
    cluster = cluster_of(system.blueprint)
    return check_infrastructure(system, cluster, plans=[found], modules=modules)


def verdicts(found: InfraReport, rule: str) -> list[Verdict]:
    return [each.verdict for each in found.findings if each.rule == rule]


@pytest.mark.parametrize(
    ("kind", "values", "facts", "verdict"),
    [
        ("aws_db_instance", {"storage_encrypted": False}, {"encrypted_at_rest": True}, B),
        ("aws_db_instance", {}, {"encrypted_at_rest": True}, B),
        ("aws_db_instance", {"storage_encrypted": True}, {"encrypted_at_rest": True}, H),
        ("aws_db_instance", {}, {"data": [{"name": "x", "class": "secret"}]}, B),
        ("google_sql_database_instance", {}, {"encrypted_at_rest": True}, H),
        ("azurerm_managed_disk", {}, {"encrypted_at_rest": True}, H),
        (
            "aws_instance",
            {
                "root_block_device": [{"encrypted": True}],
                "ebs_block_device": [{"encrypted": True}, {"encrypted": False}],
            },
            {"encrypted_at_rest": True},
            B,
        ),
        ("aws_sqs_queue", {"kms_master_key_id": "k"}, {"encrypted_at_rest": True}, H),
        (
            "aws_sqs_queue",
            {"sqs_managed_sse_enabled": False},
            {"encrypted_at_rest": True},
            B,
        ),
    ],
)
def test_what_must_be_encrypted_is(
    kind: str, values: dict[str, Any], facts: dict[str, Any], verdict: Verdict
) -> None:
    found = report(plan(resource(kind, {**TAGS, **values})), db(**facts))
    assert verdicts(found, "IAC-05") == [verdict]


def test_encryption_is_not_asked_of_what_need_not_be() -> None:
    assert verdicts(report(plan(resource("aws_db_instance", TAGS)), db()), "IAC-05") == []


def test_what_is_known_only_after_applying_is_not_decided() -> None:
    later = resource("aws_db_instance", TAGS, unknown={"storage_encrypted": True})
    found = report(plan(later), db(encrypted_at_rest=True))
    assert verdicts(found, "IAC-05") == [U]


SG = {"ingress": [{"cidr_blocks": ["10.0.0.0/8"]}, {"cidr_blocks": ["0.0.0.0/0"]}]}
NSG_APART = {
    "security_rule": [
        {"direction": "Inbound", "access": "Deny", "source_address_prefix": "*"},
        {"direction": "Inbound", "access": "Allow", "source_address_prefix": "10.0.0.0/8"},
    ]
}
NSG_TOGETHER = {
    "security_rule": [
        {"direction": "Inbound", "access": "Allow", "source_address_prefix": "Internet"}
    ]
}
OPEN_POLICY = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}]})


@pytest.mark.parametrize(
    ("kind", "values", "is_open"),
    [
        ("aws_security_group", SG, True),
        ("aws_security_group", {"ingress": [{"cidr_blocks": ["0.0.0.0/1"]}]}, True),
        ("aws_security_group", {"ingress": [{"cidr_blocks": ["10.0.0.0/8"]}]}, False),
        ("aws_security_group_rule", {"type": "egress", "cidr_blocks": ["0.0.0.0/0"]}, False),
        ("aws_security_group_rule", {"type": "ingress", "ipv6_cidr_blocks": ["::/0"]}, True),
        ("aws_lb", {"internal": True}, False),
        ("aws_lb", {}, True),
        ("aws_s3_bucket_policy", {"policy": OPEN_POLICY}, True),
        ("aws_s3_bucket_policy", {"policy": "{}"}, False),
        ("aws_eks_cluster", {"vpc_config": [{"endpoint_public_access": False}]}, False),
        ("aws_eks_cluster", {"vpc_config": [{"public_access_cidrs": ["10.0.0.0/8"]}]}, False),
        ("aws_eks_cluster", {"vpc_config": [{}]}, True),
        ("azurerm_network_security_group", NSG_APART, False),
        ("azurerm_network_security_group", NSG_TOGETHER, True),
        ("azurerm_storage_container", {"container_access_type": "private"}, False),
        ("azurerm_key_vault", {"public_network_access_enabled": False}, False),
        ("google_compute_firewall", {"allow": [{"protocol": "tcp"}]}, True),
        ("google_compute_firewall", {"allow": [{"protocol": "tcp"}], "source_tags": ["x"]}, False),
        ("google_compute_instance", {"network_interface": [{"access_config": []}]}, False),
        ("google_compute_instance", {"network_interface": [{"access_config": [{}]}]}, False),
        ("google_storage_bucket_iam_member", {"member": "allUsers"}, True),
    ],
)
def test_only_exposed_nodes_are_open_to_the_internet(
    kind: str, values: dict[str, Any], *, is_open: bool
) -> None:
    found = plan(resource(kind, {**TAGS, **values}))
    assert verdicts(report(found, db(exposed=False)), "IAC-04") == [B if is_open else H]
    assert verdicts(report(found, db()), "IAC-04") == [U if is_open else H]
    assert verdicts(report(found, db(exposed=True)), "IAC-04") == [H]
    assert verdicts(report(plan(resource(kind, values)), db()), "IAC-04") == [B if is_open else H]


def test_a_node_lies_where_its_data_may() -> None:
    residency = {"data": [{"name": "x", "class": "internal", "residency": ["eu-west-1"]}]}
    configured = {
        "provider_config": {
            "aws": {"name": "aws", "expressions": {"region": {"constant_value": "us-east-1"}}}
        }
    }

    def lies(values: dict[str, Any], **more: Any) -> list[Verdict]:
        stored = resource("aws_db_instance", {**TAGS, **values})
        return verdicts(report(plan(stored, **more), db(**residency)), "IAC-03")

    assert lies({"availability_zone": "eu-west-1b"}) == [H]
    assert lies({"region": "us-east-1"}) == [B]
    assert lies({}, configuration=configured) == [B]
    assert lies({}) == [U]


def test_what_keeps_data_is_not_destroyed() -> None:
    for actions, verdict in (
        (["delete"], B), (["delete", "create"], B), (["update"], H), (["create"], H),
    ):  # fmt: skip
        found = plan(resource("aws_db_instance", TAGS, actions=actions))
        assert verdicts(report(found, db()), "IAC-08") == [verdict]
    gone = plan(resource("aws_db_instance", TAGS, actions=["delete"]))
    assert verdicts(report(gone, db(stateful=False)), "IAC-08") == [H]
    assert verdicts(report(plan(resource("aws_lb", actions=["delete"])), db()), "IAC-08") == []


def test_resources_belong_to_nodes_and_nodes_to_resources() -> None:
    bare = report(plan(resource("aws_db_instance")), db())
    assert (verdicts(bare, "IAC-06"), verdicts(bare, "IAC-07")) == ([B], [B])
    tagged = report(plan(resource("aws_db_instance", TAGS)), db())
    assert (verdicts(tagged, "IAC-06"), verdicts(tagged, "IAC-07")) == ([H], [H])
    strange = resource("aws_db_instance", {"tags": {"holdfast-node": "nobody"}})
    assert "`nobody`" in report(plan(strange), db()).findings[-2].what


def test_a_node_may_name_its_addresses_and_a_module_hands_its_node_on() -> None:
    named = {"metadata": {"infrastructure": {"addresses": ["module.store"]}}}
    system = system_of({"db": {"type": "database", **named}})
    inner = resource("aws_db_instance", module="module.store.module.inner")
    assert report(plan(inner), system).bound == {inner["address"]: "db"}
    tagged = resource("aws_db_instance", TAGS, module="module.a")
    beside = resource("aws_security_group", SG, module="module.a")
    elsewhere = resource("aws_security_group", SG, module="module.b")
    found = report(plan(tagged, beside, elsewhere), db(exposed=True))
    assert found.bound == {tagged["address"]: "db", beside["address"]: "db"}
    assert verdicts(found, "IAC-04") == [H, H, B]


def test_types_that_no_table_knows_are_counted_and_not_judged() -> None:
    found = report(plan(resource("acme_widget"), resource("acme_widget", name="b")), db())
    assert found.not_judged == {"acme_widget": 2}
    assert {each.rule for each in found.findings} == {"IAC-07"}


APPROVED = """
modules:
  - {source: terraform-aws-modules/rds/aws, versions: ">= 6.1, < 7"}
  - {source: "git::https://git.example/modules/*", refs: [v1.2.0]}
  - {source: ./modules/*}
outside: [aws_iam_*]
"""


@pytest.mark.parametrize(
    ("source", "constraint", "verdict"),
    [
        ("terraform-aws-modules/rds/aws", "6.1.0", H),
        ("registry.terraform.io/terraform-aws-modules/rds/aws", "~> 6.1", H),
        ("terraform-aws-modules/rds/aws", "~> 6.0", U),
        ("terraform-aws-modules/rds/aws", ">= 6.1, != 6.3.0, < 6.9", H),
        ("terraform-aws-modules/rds/aws", "5.9.9", B),
        ("terraform-aws-modules/rds/aws", "~> 7.0", B),
        ("terraform-aws-modules/rds/aws", None, U),
        ("terraform-aws-modules/vpc/aws", "5.0.0", B),
        ("git::https://git.example/modules/db?ref=v1.2.0", None, H),
        ("git::https://git.example/modules/db?ref=main", None, B),
        ("git::https://git.example/modules/db", None, B),
        ("./modules/own", None, H),
        ("../elsewhere", None, B),
    ],
)
def test_only_approved_modules_in_approved_versions(
    source: str, constraint: str | None, verdict: Verdict
) -> None:
    call = {"source": source, **({"version_constraint": constraint} if constraint else {})}
    within = {"root_module": {"module_calls": {"one": call}}}
    approved = read_modules(APPROVED, source="approved.yaml")
    found = report(plan(configuration=within), db(), approved)
    assert verdicts(found, "IAC-01") == [verdict]


def test_a_module_within_a_module_is_judged_as_well_but_its_own_folders_are_not() -> None:
    folder = {"source": "./inner", "module": {"module_calls": {"far": {"source": "acme/x/aws"}}}}
    outer = {"source": "./modules/own", "module": {"module_calls": {"part": folder}}}
    within = {"root_module": {"module_calls": {"one": outer}}}
    found = report(plan(configuration=within), db(), read_modules(APPROVED, source="a"))
    judged = {each.at: each.verdict for each in found.findings if each.rule == "IAC-01"}
    assert judged == {
        "module.one": H, "module.one.module.part": H, "module.one.module.part.module.far": B,
    }  # fmt: skip


def test_resources_outside_of_modules_are_found_unless_their_type_may_stand_alone() -> None:
    approved = read_modules(APPROVED, source="approved.yaml")
    found = plan(
        resource("aws_iam_role"), resource("aws_db_instance", TAGS),
        resource("aws_db_instance", TAGS, module="module.one"),
    )  # fmt: skip
    assert verdicts(report(found, db(), approved), "IAC-02") == [H, B, H]


@pytest.mark.parametrize(
    "text", ["modules: 1", "module: []", "modules: [{source: x, versions: latest}]", "a: [", ""]
)
def test_a_list_of_modules_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ModulesError):
        read_modules(text, source="approved.yaml")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format_version": "2.0"}', '{"format_version": "1.0"}', "{"]
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(PlanError):
        read_plan(text, source="plan.json")


def test_a_state_is_read_like_a_plan_in_which_nothing_changes() -> None:
    stored = {"address": "module.a.aws_db_instance.it", "mode": "managed",
              "type": "aws_db_instance", "name": "it", "values": TAGS}  # fmt: skip
    root = {"child_modules": [{"address": "module.a", "resources": [stored]}]}
    text = json.dumps({"format_version": "1.0", "values": {"root_module": root}})
    found = report(read_plan(text, source="state.json"), db())
    assert found.bound == {"module.a.aws_db_instance.it": "db"}


def test_manifests_are_asked_the_same() -> None:
    stored = pod("db")
    stored["spec"] |= {
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}],
        "nodeSelector": {"topology.kubernetes.io/region": "us-east-1"},
    }
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "shop"},
             "spec": {"storageClassName": "plain"}}  # fmt: skip
    plain = {"kind": "StorageClass", "metadata": {"name": "plain"},
             "parameters": {"encrypted": "false"}}  # fmt: skip
    balancer = {
        "kind": "Service", "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 5432}],
                 "selector": {"app.kubernetes.io/name": "db"}},
    }  # fmt: skip
    system = db(encrypted_at_rest=True, exposed=False, region="eu-west-1")
    found = check_infrastructure(
        system,
        cluster_of(system.blueprint),
        manifests=manifests_of(stored, claim, plain, balancer, pod("shadow")),
    )
    broken = sorted(each.rule for each in found.of(B))
    assert broken == ["IAC-03", "IAC-04", "IAC-05", "IAC-06"]
    assert found.of(U) == ()
