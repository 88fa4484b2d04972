"""What is exported permits what is declared and nothing else; what differs is found and shown."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from declaring import connects, folder, manifests_of, pod, policy, system_of
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint import load
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes import (
    FLAVOURS,
    Cluster,
    Comparison,
    Flavour,
    Inside,
    ManifestError,
    cluster_in,
    cluster_of,
    compare,
    export,
    placements,
    read_manifests,
    rule_book,
    stand_in,
    workloads_of,
)

ROOT = Path(__file__).parents[4]
MODEL = {"type": "ai:llm", "controls": {"upstream": {"url": "https://model.ai.svc:9000/v1"}}}
AGENT = {"type": "ai:agent"}


def exported(system: System, cluster: Cluster, flavour: Flavour = "networkpolicy") -> str:
    (text,) = export(system, cluster, flavours=(flavour,)).files.values()
    return text


def compared(system: System, *objects: Mapping[str, Any], direct: bool = True) -> Comparison:
    return compare(manifests_of(*objects), system, cluster_of(system.blueprint, direct=direct))


IDS = ["a", "b", "c", "d", "e"]
NODES = st.sampled_from(
    [
        {},
        {"facts": {"exposed": True}, "interfaces": {}},
        {"metadata": {"kubernetes": {"namespace": "other"}}},
        {
            "metadata": {
                "kubernetes": {"labels": {"app": "x", "tier": "back"}, "namespace": "third"}
            }
        },
        {"type": "actor"},
        {"type": "ai:llm", "controls": {"upstream": {"url": "http://127.0.0.1:9000/v1"}}},
        {"type": "ai:llm", "controls": {"upstream": {"url": "https://api.example.com/v1"}}},
        {"type": "ai:llm", "controls": {"upstream": {"url": "https://203.0.113.7:8443/v1"}}},
        {"facts": {"trust": "third-party"}},
    ]
)
PAIRS = st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)).filter(
    lambda pair: pair[0] != pair[1]
)


@st.composite
def systems(draw: st.DrawFn) -> System:
    nodes: dict[str, dict[str, Any]] = {}
    for name in IDS:
        node = dict(draw(NODES))
        labels = node.get("metadata", {}).get("kubernetes", {}).get("labels")
        if labels:
            node["metadata"] = {
                "kubernetes": {"namespace": "third", "labels": {**labels, "app": name}}
            }
        interface = {f"{name}-door": {"url": "http://x:7000"}}
        nodes[name] = {**node, **({"interfaces": interface} if "interfaces" in node else {})}
    pairs = draw(st.lists(PAIRS, unique=True, max_size=8))
    ports = st.one_of(st.none(), st.integers(1, 65535))
    return system_of(nodes, [connects(one, other, draw(ports)) for one, other in pairs])


@settings(max_examples=40, deadline=None)
@given(systems(), st.booleans(), st.sampled_from(["networkpolicy", "cilium"]))
def test_the_exported_policies_permit_what_is_declared_and_nothing_else(
    system: System, direct: bool, flavour: Flavour
) -> None:
    cluster = cluster_of(system.blueprint, direct=direct)
    text = export(system, cluster, flavours=(flavour,)).files
    found = compare(read_manifests(text or {"none.yaml": ""}), system, cluster)
    assert (found.excess, found.lack, found.unjudged) == ((), (), ())
    assert export(system, cluster, flavours=(flavour,)).files == text


@settings(max_examples=20, deadline=None)
@given(st.lists(PAIRS, unique=True, max_size=8), st.integers(1, 65534))
def test_connection_by_connection_the_export_is_the_list_of_relationships(
    pairs: list[tuple[str, str]], port: int
) -> None:
    system = system_of({name: {} for name in IDS}, [connects(*pair, port) for pair in pairs])
    cluster = cluster_of(system.blueprint, direct=True)
    places = placements(system, cluster)
    pods = [stand_in(place) for place in places.values() if isinstance(place, Inside)]
    book = rule_book(read_manifests({"p.yaml": exported(system, cluster)}), also=pods)
    for one, source in enumerate(IDS):
        for other, destination in enumerate(IDS):
            declared = (source, destination) in pairs
            assert book.permits(one, other, protocol="TCP", port=port) == declared
            assert not book.permits(one, other, protocol="TCP", port=port + 1)
            assert not book.permits(one, other, protocol="UDP", port=port)


def test_through_the_gateway_nobody_reaches_the_model_but_the_gateway() -> None:
    system = system_of({"agent": AGENT, "model": MODEL}, [connects("agent", "model")])
    text = exported(system, cluster_of(system.blueprint))
    assert "# agent -> the gateway: r0" in text
    assert "# the gateway -> model: r0" in text
    assert "port: 9000" in text
    assert "# agent -> model" not in text
    assert "# agent -> model: r0" in exported(system, cluster_of(system.blueprint, direct=True))


def test_a_policy_less_or_a_rule_more_is_found_with_a_connection_that_shows_it() -> None:
    system = system_of({"a": {}, "b": {}, "c": {}}, [connects("a", "b", 80)])
    cluster = cluster_of(system.blueprint, direct=True)
    text = exported(system, cluster)
    parts = text.split("---\n")
    without = "---\n".join(part for part in parts if "name: node-b" not in part)
    lack = compare(read_manifests({"p.yaml": without}), system, cluster).lack
    assert [each.example for each in lack] == ["shop/a[declared] -> shop/b[declared] TCP 80"]
    assert lack[0].because == ("r0",)
    open_b = policy("more", {"podSelector": {}, "ingress": [{"ports": [{"port": 81}]}]})
    open_c = policy("out", {"podSelector": {}, "egress": [{"ports": [{"port": 81}]}]})
    more = [*read_manifests({"p.yaml": text}).policies, *manifests_of(open_b, open_c).policies]
    read = replace(read_manifests({"p.yaml": text}), policies=tuple(more))
    excess = compare(read, system, cluster).excess
    ends = {(each.source, each.destination) for each in excess}
    assert ("a", "c") in ends
    assert ("c", "any address") in ends
    (one,) = [each for each in excess if (each.source, each.destination) == ("a", "c")]
    assert one.example == "shop/a[declared] -> shop/c[declared] TCP 81"
    assert one.because == ("NetworkPolicy shop/out egress[0]", "NetworkPolicy shop/more ingress[0]")


def test_any_other_pod_of_the_namespace_counts_though_none_is_there() -> None:
    system = system_of({"a": {}, "b": {}}, [connects("a", "b", 80)])
    excess = compared(system, pod("a"), pod("b")).excess
    said = {(each.source, each.destination) for each in excess}
    assert ("shop/any other pod", "a") in said
    assert ("any address", "b") in said


def test_what_is_opened_for_a_label_is_opened_for_the_next_pod_that_carries_it() -> None:
    system = system_of({"a": {}, "b": {}}, [connects("a", "b", 80)])
    cluster = cluster_of(system.blueprint, direct=True)
    peer = {"podSelector": {"matchLabels": {"role": "debug"}}}
    spaces = {"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}}
    more = policy(
        "more", {"podSelector": {}, "ingress": [{"from": [peer, spaces], "ports": [{"port": 22}]}]}
    )
    read = read_manifests({"p.yaml": exported(system, cluster)})
    whole = replace(read, policies=(*read.policies, *manifests_of(more).policies))
    ends = {(each.source, each.destination) for each in compare(whole, system, cluster).excess}
    assert ("team=any/any other pod", "a") in ends
    # The namespace is shut from within, so a pod of its own with that label gets nowhere.
    assert ("shop/any pod with role=debug", "a") not in ends
    assert compare(read, system, cluster).excess == ()


def test_workloads_that_no_node_declares_and_nodes_without_workload_are_named() -> None:
    system = system_of({"a": {}, "b": {}})
    found = compared(system, pod("a"), pod("shadow"), pod("far", "elsewhere"))
    assert [found.workloads[number] for number in found.binding.unknown] == ["shop/shadow[Pod]"]
    assert [found.workloads[number] for number in found.binding.elsewhere] == ["elsewhere/far[Pod]"]
    assert found.binding.unrealised == ("b",)


def test_a_node_binds_by_what_its_metadata_says_before_its_name() -> None:
    by_name = {"metadata": {"kubernetes": {"workload": "kart", "namespace": "x"}}}
    by_label = {"metadata": {"kubernetes": {"labels": {"app": "b"}}}}
    system = system_of({"a": by_name, "b": by_label})
    found = compared(system, pod("kart", "x"), pod("y", app="b"), pod("a"))
    assert dict(found.binding.party_of) == {0: "a", 1: "b"}


def test_metadata_that_cannot_be_meant_is_refused() -> None:
    for wrong in ({"namspace": "x"}, {"namespace": "X!"}):
        system = system_of({"a": {"metadata": {"kubernetes": wrong}}})
        with pytest.raises(ManifestError):
            export(system, cluster_of(system.blueprint), flavours=("networkpolicy",))


def test_nodes_whose_pods_cannot_be_told_apart_are_refused() -> None:
    one = {"metadata": {"kubernetes": {"labels": {"app": "x"}}}}
    other = {"metadata": {"kubernetes": {"labels": {"app": "x", "tier": "y"}}}}
    system = system_of({"a": one, "b": other})
    with pytest.raises(ManifestError):
        export(system, cluster_of(system.blueprint), flavours=("networkpolicy",))


def test_names_outside_need_cilium_and_the_plain_policy_says_so() -> None:
    far = {"type": "ai:llm", "controls": {"upstream": {"url": "https://api.example.com/v1"}}}
    system = system_of({"a": AGENT, "far": far}, [connects("a", "far")])
    cluster = cluster_of(system.blueprint)
    assert "Wider than declared: a NetworkPolicy cannot say api.example.com" in (
        exported(system, cluster)
    )
    assert "- {matchName: api.example.com}" in exported(system, cluster, "cilium")


def test_routes_are_written_for_what_is_exposed() -> None:
    shown = {"facts": {"exposed": True}, "interfaces": {"w": {"url": "https://shop.example:8443"}}}
    system = system_of({"a": shown, "user": {"type": "actor"}, "b": {}})
    text = exported(system, cluster_of(system.blueprint), "gateway")
    assert "kind: HTTPRoute" in text
    assert "shop.example" in text
    assert "port: 8443" in text
    assert "name: b" not in text


def test_evidence_says_what_the_network_lets_and_what_holds_each_node() -> None:
    system = system_of({"a": AGENT, "m": MODEL, "c": {}}, [connects("a", "m")])
    cluster = cluster_of(system.blueprint)
    pods = [pod(name) for name in ("a", "m", "c")] + [pod("holdfast")]
    text = {"p.yaml": exported(system, cluster)}
    read = replace(manifests_of(*pods), policies=read_manifests(text).policies)
    shut = workloads_of(read, system, cluster=cluster)
    assert shut.permitted == {("a", "m")}
    assert all(each.ingress_isolated and each.egress_isolated for each in shut.by_node.values())
    assert not any(each.internet for each in shut.by_node.values())
    alone = workloads_of(read_manifests(text), system, cluster=cluster)
    assert (alone.permitted, set(alone.by_node)) == (shut.permitted, set(shut.by_node))
    free = workloads_of(manifests_of(*pods), system, cluster=cluster)
    assert ("c", "a") in free.permitted
    assert all(each.internet for each in free.by_node.values())


def test_evidence_of_pods_names_secrets_accounts_machines_and_sandboxes() -> None:
    tool = pod("a")
    tool["spec"] = {
        "runtimeClassName": "gvisor", "automountServiceAccountToken": False,
        "serviceAccountName": "runner", "nodeName": "m1",
        "nodeSelector": {"topology.kubernetes.io/zone": "eu-1a",
                         "topology.kubernetes.io/region": "eu-1"},
        "containers": [{"name": "x", "image": "y"}],
    }  # fmt: skip
    leaky = pod("b")
    leaky["spec"]["volumes"] = [{"name": "v", "secret": {"secretName": "key"}}]
    system = system_of({"a": {}, "b": {}})
    deny = policy("deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
    found = workloads_of(
        manifests_of(tool, leaky, deny), system, cluster=cluster_of(system.blueprint)
    ).by_node
    assert (found["a"].sandboxed, found["b"].sandboxed) == (True, False)
    assert (found["a"].service_account, found["a"].region) == ("shop/runner", "eu-1")
    assert (found["a"].zones, found["a"].hosts) == ({"eu-1a"}, {"m1"})
    assert found["b"].secrets == {"shop/key"}


TRADES = {
    "trades": {"metadata": {"kubernetes": {"labels": {"app": "trades"}}}},
    "mcp": {"metadata": {"kubernetes": {"labels": {"app": "trades-mcp-server"}}}},
    "a2a": {"metadata": {"kubernetes": {"labels": {"app": "trades-a2a-server"}}}},
}


def in_default(system: System) -> Cluster:
    return Cluster(namespace="default", gateway_namespace="default", direct=True)


def test_published_policies_of_the_trades_system_permit_its_relationships() -> None:
    system = system_of(TRADES, [connects("mcp", "trades", 8080), connects("a2a", "trades", 8080)])
    found = compare(read_manifests(folder("trades")), system, in_default(system))
    assert found.lack == ()
    between = {
        (each.source, each.destination): str(each.ports)
        for each in found.excess
        if {each.source, each.destination} <= set(TRADES)
    }
    # Its rules let names be looked up at any pod, and a2a takes whatever comes.
    assert between == dict.fromkeys([("mcp", "a2a"), ("trades", "a2a")], "TCP 53, UDP 53")
    assert {each.destination for each in found.excess if each.source == "any address"} == set(
        TRADES
    )
    read = workloads_of(read_manifests(folder("trades")), system, cluster=in_default(system))
    assert read.permitted == {("mcp", "trades"), ("a2a", "trades"), *between}


def test_published_policies_of_the_workshop_are_judged_as_far_as_they_can_be() -> None:
    nodes = {
        "app": {
            "facts": {"exposed": True},
            "metadata": {"kubernetes": {"labels": {"app": "attendees"}}},
        },
        "store": {"metadata": {"kubernetes": {"labels": {"db": "attendees-store"}}}},
    }
    system = system_of(nodes, [connects("app", "store", 5432)])
    found = compare(read_manifests(folder("workshop")), system, in_default(system))
    assert [item.kind for item in found.unjudged] == ["GlobalNetworkPolicy"]
    assert found.lack == ()
    assert not found.holds
    only = workloads_of(read_manifests(folder("workshop")), system, cluster=in_default(system))
    assert ("app", "store") in only.permitted


def test_every_flavour_has_its_file() -> None:
    shown = {"facts": {"exposed": True}, "interfaces": {"w": {"url": "http://x:80"}}}
    system = system_of({"a": shown})
    files = export(system, cluster_of(system.blueprint), flavours=FLAVOURS).files
    assert sorted(files) == ["cilium-policies.yaml", "gateway-routes.yaml", "network-policies.yaml"]


def test_the_namespace_is_that_of_the_labelled_pods_where_none_is_given() -> None:
    system = system_of({"a": {}, "b": {}})
    read = manifests_of(
        pod("a", "prod"), pod("b", "prod"), pod("a", "dev"), pod("holdfast", "edge")
    )
    found = cluster_in(read, system.blueprint)
    assert (found.namespace, found.gateway_namespace) == ("prod", "edge")
    assert cluster_in(read, system.blueprint, namespace="dev").namespace == "dev"
    assert cluster_in(manifests_of(), system.blueprint).namespace == "shop"


def test_the_manifest_that_the_documentation_shows_is_what_the_example_system_gives() -> None:
    page = (ROOT / "docs" / "architecture" / "kubernetes.md").read_text()
    shown = page.partition("```yaml\n")[2].partition("```")[0]
    file = ROOT / "examples" / "document-review" / "holdfast.yaml"
    text = file.read_text()
    system = System(
        load(text, source=str(file), read=lambda name: (file.parent / name).read_text())
    )
    assert shown in exported(system, cluster_of(system.blueprint))
