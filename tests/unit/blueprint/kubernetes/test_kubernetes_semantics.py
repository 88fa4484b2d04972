"""Policies mean here what Kubernetes says they mean."""

import json
from ipaddress import ip_address
from typing import Any

import pytest
from declaring import manifests_of, pod, policy
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint.kubernetes import (
    DIRECTIONS,
    EVERY_ADDRESS,
    EVERY_PORT,
    NO_PORT,
    Action,
    Addresses,
    Connectivity,
    Direction,
    Layer,
    ManifestError,
    Ports,
    Rule,
    RuleBook,
    openings,
    ports_of,
    read_manifests,
    rule_book,
)

TO_A = {"podSelector": {"matchLabels": {"app": "a"}}}
A, B = pod("a", app="a"), pod("b", app="b")
OUTSIDE = pod("c", "elsewhere", app="b")


def reach(*objects: dict[str, Any]) -> Connectivity:
    return Connectivity(rule_book(manifests_of(*objects)))


def ports(*rules: Any, of: tuple[int, int] = (1, 0), pods: Any = (A, B, OUTSIDE)) -> Ports:
    return reach(*pods, *rules).between(*of)


def tcp(port: int) -> Ports:
    return ports_of("TCP", port)


def test_without_policies_everything_connects() -> None:
    assert ports() == EVERY_PORT


def test_a_policy_without_rules_shuts_the_direction_it_names_and_no_other() -> None:
    shut = policy("p", {**TO_A, "policyTypes": ["Ingress"]})
    assert ports(shut) == NO_PORT
    assert ports(shut, of=(0, 1)) == EVERY_PORT


def test_ingress_is_meant_where_no_type_is_written_and_egress_only_with_rules() -> None:
    assert ports(policy("p", TO_A)) == NO_PORT
    assert ports(policy("p", TO_A), of=(0, 1)) == EVERY_PORT
    assert ports(policy("p", {**TO_A, "egress": [{"ports": [{"port": 1}]}]}), of=(0, 1)) == tcp(1)


def test_what_several_policies_allow_is_added_up() -> None:
    one = policy("one", {**TO_A, "ingress": [{"ports": [{"port": 80}]}]})
    other = policy("other", {**TO_A, "ingress": [{"ports": [{"port": 81, "endPort": 90}]}]})
    assert ports(one, other) == ports_of("TCP", 80, high=90)


def test_both_ends_must_let_a_connection_pass() -> None:
    into = policy("in", {**TO_A, "ingress": [{"ports": [{"port": 80}, {"port": 81}]}]})
    out = policy(
        "out",
        {"podSelector": {"matchLabels": {"app": "b"}}, "egress": [{"ports": [{"port": 81}]}]},
    )
    assert ports(into, out) == tcp(81)


def test_a_pod_selector_alone_means_the_policys_own_namespace() -> None:
    peer = {"podSelector": {"matchLabels": {"app": "b"}}}
    rule = policy("p", {**TO_A, "ingress": [{"from": [peer]}]})
    assert (ports(rule), ports(rule, of=(2, 0))) == (EVERY_PORT, NO_PORT)
    anywhere = policy("p", {**TO_A, "ingress": [{"from": [{"namespaceSelector": {}, **peer}]}]})
    assert ports(anywhere, of=(2, 0)) == EVERY_PORT


def test_two_peers_are_either_and_two_selectors_of_one_peer_are_both() -> None:
    spaces = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "elsewhere"}}}
    pods = {"podSelector": {"matchLabels": {"app": "nobody"}}}
    both = policy("p", {**TO_A, "ingress": [{"from": [{**spaces, **pods}]}]})
    either = policy("p", {**TO_A, "ingress": [{"from": [spaces, pods]}]})
    assert ports(both, of=(2, 0)) == NO_PORT
    assert ports(either, of=(2, 0)) == EVERY_PORT


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ({"operator": "In", "values": ["b", "x"]}, True),
        ({"operator": "In", "values": ["x"]}, False),
        ({"operator": "NotIn", "values": ["x"]}, True),
        ({"operator": "NotIn", "values": ["b"]}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "DoesNotExist"}, False),
    ],
)
def test_expressions_match_as_written(expression: dict[str, Any], *, matches: bool) -> None:
    peer = {"podSelector": {"matchExpressions": [{"key": "app", **expression}]}}
    found = ports(policy("p", {**TO_A, "ingress": [{"from": [peer]}]}))
    assert found == (EVERY_PORT if matches else NO_PORT)


def test_not_in_also_matches_where_the_label_is_missing() -> None:
    other = {"key": "tier", "operator": "NotIn", "values": ["x"]}
    peer = {"podSelector": {"matchExpressions": [other]}}
    assert ports(policy("p", {**TO_A, "ingress": [{"from": [peer]}]})) == EVERY_PORT


def test_a_named_port_is_the_number_that_the_destination_gives_it() -> None:
    serving = pod("a", app="a")
    container = serving["spec"]["containers"][0]
    container["ports"] = [{"name": "web", "containerPort": 8443}]
    rule = policy("p", {**TO_A, "ingress": [{"ports": [{"port": "web"}]}]})
    assert ports(rule, pods=(serving, B)) == tcp(8443)
    assert ports(rule) == NO_PORT
    out = {"podSelector": {"matchLabels": {"app": "b"}}, "egress": [{"ports": [{"port": "web"}]}]}
    assert ports(policy("p", out), pods=(serving, B)) == tcp(8443)


def test_blocks_let_addresses_through_less_those_excepted() -> None:
    block = {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}
    found = reach(A, policy("p", {**TO_A, "ingress": [{"from": [block]}]}))
    book = found.book
    assert book.permits(ip_address("10.2.0.1"), 0, protocol="TCP", port=80)
    assert not book.permits(ip_address("10.1.0.1"), 0, protocol="TCP", port=80)
    assert not book.permits(ip_address("11.0.0.1"), 0, protocol="TCP", port=80)
    assert [str(each.addresses) for each in found.from_outside(0)] == [
        "10.0.0.0-10.0.255.255,10.2.0.0-10.255.255.255"
    ]


def test_policies_hold_no_pod_on_its_machines_network_unless_the_plugin_is_said_to() -> None:
    there = pod("a", app="a")
    there["spec"]["hostNetwork"] = True
    read = manifests_of(there, B, policy("p", {**TO_A, "policyTypes": ["Ingress"]}))
    assert Connectivity(rule_book(read)).between(1, 0) == EVERY_PORT
    assert Connectivity(rule_book(read, holds_host_network=True)).between(1, 0) == NO_PORT


def admin(name: str, priority: int, *rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "AdminNetworkPolicy",
        "metadata": {"name": name},
        "spec": {"priority": priority, "subject": {"namespaces": {}}, "ingress": list(rules)},
    }


def judged(action: str, port: int | None = None) -> dict[str, Any]:
    ports_of_it = [{"portNumber": {"protocol": "TCP", "port": port}}] if port else []
    return {"action": action, "from": [{"namespaces": {}}], "ports": ports_of_it}


def test_admin_policies_decide_first_by_priority_and_pass_hands_on() -> None:
    shut = policy("p", {**TO_A, "policyTypes": ["Ingress"]})
    assert ports(admin("x", 1, judged("Allow", 80)), shut) == tcp(80)
    assert ports(admin("x", 5, judged("Allow", 80)), admin("y", 1, judged("Deny", 80))) == (
        EVERY_PORT - tcp(80)
    )
    handed = admin("x", 1, judged("Pass", 80), judged("Deny"))
    assert ports(handed, policy("p", {**TO_A, "ingress": [{}]})) == tcp(80)


def test_the_baseline_decides_only_where_no_policy_isolates() -> None:
    baseline = admin("default", 0, judged("Deny"))
    baseline["kind"] = "BaselineAdminNetworkPolicy"
    assert ports(baseline) == NO_PORT
    assert ports(baseline, policy("p", {**TO_A, "ingress": [{}]})) == EVERY_PORT


@pytest.mark.parametrize(
    "spec",
    [
        {"ingress": [{"from": [{}]}]},
        {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0"}}]}]},
        {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/8"]}}]}]},
        {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]},
        {"ingress": [{"ports": [{"port": 90, "endPort": 80}]}]},
        {"ingress": [{"ports": [{"port": "web", "endPort": 80}]}]},
        {"ingress": [{"ports": [{"protocol": "ICMP", "port": 1}]}]},
        {"ingress": [{"ports": [{"port": 0}]}]},
        {"policyTypes": ["Sideways"]},
        {"podSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": []}]}},
        {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Like", "values": ["b"]}]}},
        {"podSelector": {"matchLabel": {"a": "b"}}},
    ],
)
def test_a_policy_that_the_cluster_would_refuse_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(ManifestError):
        manifests_of(A, policy("p", {**TO_A, **spec}))


def test_admin_policies_of_one_priority_are_refused_for_their_order_is_not_defined() -> None:
    with pytest.raises(ManifestError):
        manifests_of(admin("x", 1, judged("Deny")), admin("y", 1, judged("Allow")))


def test_files_hold_several_documents_and_faults_name_their_line() -> None:
    text = (
        "# nothing\n---\nkind: Namespace\nmetadata: {name: x}\n--- # more\nkind: Pod\nkind: Pod\n"
    )
    with pytest.raises(ManifestError) as caught:
        read_manifests({"a.yaml": text})
    assert [problem.line for problem in caught.value.problems] == [7]


@pytest.mark.parametrize("text", ["holdfast: 1\nname: shop\n", '{"a": 1}', "just words"])
def test_files_without_any_object_were_not_meant(text: str) -> None:
    with pytest.raises(ManifestError, match="no Kubernetes object"):
        read_manifests({"holdfast.yaml": text})


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", '{"kind": "List", "items": []}', "kind: NetworkPolicyList\nitems: []"],
)
def test_a_cluster_may_have_none_of_a_kind(text: str) -> None:
    assert read_manifests({"policies.yaml": text}).workloads == ()


def test_pods_give_way_to_what_makes_them() -> None:
    made = pod("web-1", app="a", hash="1")
    made["metadata"]["ownerReferences"] = [
        {"kind": "ReplicaSet", "name": "web-x", "controller": True}
    ]
    made["spec"]["nodeName"] = "machine-7"
    middle = {
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "web-x", "namespace": "shop",
                     "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": True}]},
        "spec": {"template": {"metadata": {"labels": {"app": "a", "hash": "1"}}}},
    }  # fmt: skip
    top = {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": 3, "template": {"metadata": {"labels": {"app": "a"}}}},
    }  # fmt: skip
    (found,) = manifests_of(top, middle, made).workloads
    assert (found.title, found.replicas) == ("shop/web[Deployment]", 3)
    assert found.hosts == {"machine-7"}


def test_kinds_that_are_not_evaluated_are_told_apart_from_those_that_mean_nothing() -> None:
    read = manifests_of(
        {"kind": "ConfigMap", "metadata": {"name": "x"}},
        {"apiVersion": "crd.projectcalico.org/v1", "kind": "GlobalNetworkPolicy",
         "metadata": {"name": "y"}},
    )  # fmt: skip
    assert (dict(read.ignored), [item.name for item in read.unjudged]) == ({"ConfigMap": 1}, ["y"])


def service(kind: str, **spec: Any) -> dict[str, Any]:
    ports_of_it = [{"port": 80, "targetPort": 8080}]
    return {
        "kind": "Service",
        "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"type": kind, "selector": {"app": "a"}, "ports": ports_of_it, **spec},
    }


INGRESS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "i", "namespace": "shop"},
    "spec": {
        "rules": [
            {"http": {"paths": [{"backend": {"service": {"name": "a", "port": {"number": 80}}}}]}}
        ]
    },
}


def test_balancers_and_ingresses_open_a_workload_as_far_as_its_policies_let_them() -> None:
    (direct,) = openings(manifests_of(A, service("LoadBalancer")))
    assert (direct.internet, direct.ports) == (True, tcp(8080))
    (carried,) = openings(manifests_of(A, service("ClusterIP"), INGRESS))
    assert (carried.via.kind, carried.ports) == ("Ingress", tcp(8080))
    shut = policy("p", {**TO_A, "policyTypes": ["Ingress"]})
    (closed,) = openings(manifests_of(A, service("ClusterIP"), INGRESS, shut))
    assert (closed.led, closed.ports) == (tcp(8080), NO_PORT)


NUMBERS = st.frozensets(st.integers(0, 3), max_size=4)


def some_ports(low: int, width: int) -> Ports:
    return ports_of("TCP", low, high=low + width)


PORTS = st.builds(some_ports, st.integers(1, 6), st.integers(0, 3))
BLOCKS = st.sampled_from(
    [Addresses(), EVERY_ADDRESS, Addresses(v4=((0, 9),)), Addresses(v4=((5, 20),))]
)
ACTIONS: dict[Layer, tuple[Action, ...]] = {
    Layer.ADMIN: ("allow", "deny", "pass"),
    Layer.NAMESPACE: ("allow", "allow", "allow"),
    Layer.BASELINE: ("allow", "deny", "deny"),
}


def a_rule(
    layer: Layer,
    action: int,
    direction: Direction,
    *,
    subjects: frozenset[int],
    peers: frozenset[int],
    outside: Addresses,
    ports: Ports,
) -> Rule:
    return Rule(
        origin="r",
        direction=direction,
        action=ACTIONS[layer][action],
        layer=layer,
        subjects=subjects,
        peers=peers,
        outside=outside,
        ports=ports,
    )


RULES = st.builds(
    a_rule,
    st.sampled_from(Layer),
    st.integers(0, 2),
    st.sampled_from(DIRECTIONS),
    subjects=NUMBERS,
    peers=NUMBERS,
    outside=BLOCKS,
    ports=PORTS,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(RULES, max_size=8), NUMBERS, NUMBERS)
def test_sets_of_ports_agree_with_judging_one_connection_after_the_other(
    rules: list[Rule], into: frozenset[int], out: frozenset[int]
) -> None:
    ordered = tuple(sorted(rules, key=lambda rule: rule.layer))
    book = RuleBook(
        workloads=("a", "b", "c", "d"), rules=ordered, isolated={"ingress": into, "egress": out}
    )
    found = Connectivity(book)
    for source, destination in ((0, 1), (1, 2), (2, 0), (3, 1)):
        for port in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10):
            one = book.permits(source, destination, protocol="TCP", port=port)
            assert one == found.between(source, destination).contains("TCP", port)
    for number in (0, 2, 7, 15, 30):
        address = ip_address(number)
        one = book.permits(address, 1, protocol="TCP", port=4)
        let = [each for each in found.from_outside(1) if each.addresses.contains(address)]
        assert one == any(each.ports.contains("TCP", 4) for each in let)


def test_what_json_and_yaml_say_is_the_same() -> None:
    whole = json.dumps(policy("p", TO_A))
    assert read_manifests({"a.json": whole}).policies[0].subject == (
        read_manifests({"a.yaml": f"# as YAML\n{whole}"}).policies[0].subject
    )
