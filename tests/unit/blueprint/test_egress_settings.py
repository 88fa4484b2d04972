"""Egress in a blueprint: what may be written, and what holds where nothing is."""

import pytest
import yaml

from holdfast.blueprint import Blueprint, BlueprintError, Egress, Tools, load


def declared(node: object = None, over: object = None) -> Blueprint:
    upstream = {"url": "http://127.0.0.1:9/mcp", "dialect": "mcp"}
    controls: dict[str, object] = {"upstream": upstream}
    if node is not None:
        controls["tools"] = node
    relationship: dict[str, object] = {"id": "r", "connects": ["bot", "docs"]}
    if over is not None:
        relationship["controls"] = {"tools": over}
    data = {
        "holdfast": 1,
        "name": "x",
        "nodes": {
            "bot": {"type": "ai:agent", "description": "d"},
            "docs": {"type": "ai:mcp-server", "description": "d", "controls": controls},
        },
        "relationships": [relationship],
    }
    return load(yaml.safe_dump(data), source="t", read=lambda _name: "")


def tools(node: object = None, over: object = None) -> Tools:
    return declared(node, over).relationships[0].tools


def test_where_nothing_is_written_only_what_is_public_may_be_reached() -> None:
    assert tools().egress("look") == (Egress(),)
    assert tools({"deny": ["x"]}, {"allow": ["*"]}).egress("look") == (Egress(),)


def test_node_and_relationship_must_both_allow() -> None:
    found = tools({"egress": {"hosts": ["*"]}}, {"egress": {"schemes": ["https"]}})
    assert found.egress("look") == (Egress(hosts=("*",)), Egress(schemes=("https",)))


def test_what_is_said_of_one_tool_takes_the_place_of_what_is_said_of_all() -> None:
    own = {"hosts": ["localhost"]}
    found = tools({"egress": {"hosts": ["a.example"]}, "each": {"look": {"egress": own}}})
    assert found.egress("look") == (Egress(hosts=("localhost",)),)
    assert found.egress("other") == (Egress(hosts=("a.example",)),)


def test_an_address_is_kept_in_its_one_spelling() -> None:
    found = tools({"egress": {"hosts": ["fd00:0::5", "10.0.0.0/8", "*.a.example"]}})
    assert found.egress("look")[0].hosts == ("fd00::5", "10.0.0.0/8", "*.a.example")


@pytest.mark.parametrize(
    "host",
    ["127.1", "0x7f000001", "10.0.0.1/8", "*.10.0.0.1", "a.example:80", "http://a.example", "A.b",
     "a.example.", "*x.example", "a*", "", "fe80::1%eth0"],
)  # fmt: skip
def test_what_is_no_host_is_refused_where_it_is_written(host: str) -> None:
    with pytest.raises(BlueprintError):
        declared({"egress": {"hosts": [host]}})
