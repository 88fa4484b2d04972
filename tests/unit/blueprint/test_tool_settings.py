"""MCP servers in a blueprint: what they must say, what programs need, which tools may be used."""

import pytest
import yaml

from holdfast.blueprint import Blueprint, BlueprintError, SecretReference, load

SERVER = {"type": "ai:mcp-server", "description": "d"}
URL = {"url": "http://127.0.0.1:9/mcp", "dialect": "mcp"}
PROGRAM = {"command": ["server", "--x"], "dialect": "mcp"}


def declared(
    upstream: object = None,
    *,
    node: dict[str, object] | None = None,
    tools: object = None,
    over: object = None,
    signed: bool = False,
) -> Blueprint:
    controls: dict[str, object] = {}
    if upstream is not None:
        controls["upstream"] = upstream
    if tools is not None:
        controls["tools"] = tools
    relationship: dict[str, object] = {"id": "r", "connects": ["bot", "docs"]}
    if over is not None:
        relationship["controls"] = {"tools": over}
    data = {
        "holdfast": 1,
        "name": "x",
        "nodes": {
            "bot": {"type": "ai:agent", "description": "d"},
            "docs": {**SERVER, **(node or {}), "controls": controls},
        },
        "relationships": [relationship],
    }
    return load(yaml.safe_dump(data), source="t", read=lambda _name: "", signed=signed)


def problem(*args: object, **kwargs: object) -> str:
    with pytest.raises(BlueprintError) as caught:
        declared(*args, **kwargs)  # type: ignore[arg-type]
    assert len(caught.value.problems) == 1, caught.value.problems
    return str(caught.value.problems[0])


def test_a_server_over_http_is_an_upstream_of_the_dialect_mcp() -> None:
    node = declared(URL).nodes["docs"]  # type: ignore[index]
    assert node.is_mcp_server
    assert node.program is None
    assert node.upstream is not None
    assert (node.upstream.dialect, node.upstream.path) == ("mcp", "/mcp")


# Attack 7 of the research: nothing but signed configuration ever starts a process.
def test_a_program_in_an_unsigned_blueprint_is_refused_with_what_to_do() -> None:
    told = problem(PROGRAM)
    assert "signed blueprint only" in told
    assert "holdfast sign" in told


def test_a_program_in_a_signed_blueprint_is_kept_as_it_stands() -> None:
    env = {"MODE": "x y", "TOKEN": "env:DOCS_TOKEN", "KEY": "file:key.txt"}
    node = declared({**PROGRAM, "env": env, "cwd": "sub/dir"}, signed=True).nodes["docs"]  # type: ignore[index]
    assert node.is_mcp_server
    assert node.upstream is None
    assert node.program is not None
    assert node.program.command == ("server", "--x")
    assert node.program.cwd == "sub/dir"
    assert dict(node.program.env) == {
        "MODE": "x y",
        "TOKEN": SecretReference(kind="env", name="DOCS_TOKEN"),
        "KEY": SecretReference(kind="file", name="key.txt"),
    }


@pytest.mark.parametrize(
    ("upstream", "told"),
    [
        ({**URL, **PROGRAM}, "not both"),
        ({"dialect": "mcp"}, "has neither"),
        ({"command": ["x"]}, "only an MCP server is started"),
        ({**URL, "model": "x"}, "model has no effect"),
        ({**URL, "env": {"A": "b"}}, "env has no effect"),
        ({**PROGRAM, "api_key": "env:A"}, "api_key has no effect"),
        ({**PROGRAM, "cwd": "../other"}, "leads out"),
        ({**PROGRAM, "cwd": "/etc"}, "leads out"),
        ({**PROGRAM, "command": []}, "command"),
        ({**PROGRAM, "command": "server --x"}, "command"),
        ({**PROGRAM, "env": {"A B": "x"}}, "env"),
        ({"url": "http://tools.example/mcp", "dialect": "mcp"}, "unencrypted"),
    ],
)
def test_an_upstream_that_cannot_mean_what_it_says_is_refused(
    upstream: dict[str, object], told: str
) -> None:
    assert told in problem(upstream, signed=True)


def test_only_a_tool_answers_as_an_mcp_server() -> None:
    assert "is no tool" in problem(URL, node={"type": "service"})


def test_tools_are_said_of_mcp_servers_only() -> None:
    openai = {"url": "http://127.0.0.1:9/v1"}
    assert "no effect here" in problem(openai, tools={"deny": ["x"]})
    assert "no effect here" in problem(openai, over={"deny": ["x"]})


def test_a_relationship_narrows_what_the_node_allows() -> None:
    found = declared(
        URL,
        tools={"allow": ["search_*", "read"], "deny": ["search_all"]},
        over={"allow": ["*"], "deny": ["read"]},
    )
    node = found.nodes["docs"].tools  # type: ignore[index]
    over = found.relationships[0].tools
    assert [node.allows(n) for n in ("search_x", "search_all", "read", "write")] == [
        True, False, True, False,
    ]  # fmt: skip
    assert [over.allows(n) for n in ("search_x", "search_all", "read", "write")] == [
        True, False, False, False,
    ]  # fmt: skip
    assert not over.allows("SEARCH_X")


def test_what_nobody_says_is_allowed_and_taken_for_a_write() -> None:
    tools = declared(URL).relationships[0].tools
    assert tools.allows("anything")
    assert tools.timeout_s("anything") is None
    assert tools.side_effects("anything") == "write"
    assert tools.side_effects("anything", is_read_only=True) == "read"


@pytest.mark.parametrize(
    ("node", "over", "hint", "effects"),
    [
        (None, "read", None, "read"),
        (None, "none", None, "none"),
        ("write", "read", None, "write"),
        ("write", None, True, "write"),
        ("read", "write", True, "write"),
        (None, "read", True, "read"),
        (None, "read", False, "write"),
        (None, "none", True, "none"),
        (None, None, False, "write"),
    ],
)
def test_a_servers_word_makes_a_call_graver_and_never_lighter(
    node: str | None, over: str | None, hint: bool | None, effects: str
) -> None:
    def said(word: str | None) -> object:
        return None if word is None else {"each": {"t": {"side_effects": word}}}

    tools = declared(URL, tools=said(node), over=said(over)).relationships[0].tools
    assert tools.side_effects("t", is_read_only=hint) == effects


def test_the_tools_own_word_goes_before_the_one_for_all_and_the_shorter_time_holds() -> None:
    tools = (
        declared(
            URL,
            tools={
                "side_effects": "write",
                "each": {"t": {"side_effects": "read", "timeout_s": 5}},
            },
            over={"each": {"t": {"timeout_s": 9}}},
        )
        .relationships[0]
        .tools
    )
    assert tools.side_effects("t") == "read"
    assert tools.side_effects("other") == "write"
    assert tools.timeout_s("t") == 5


def test_every_word_about_servers_and_tools_counts_in_the_digest() -> None:
    made = [
        declared(URL),
        declared(URL, tools={"deny": ["a"]}),
        declared(URL, over={"deny": ["a"]}),
        declared(URL, tools={"allow": ["a"]}),
        declared(URL, tools={"side_effects": "read"}),
        declared(URL, tools={"each": {"a": {"timeout_s": 1}}}),
        declared(URL, tools={"each": {"a": {"side_effects": "read"}}}),
        declared(PROGRAM, signed=True),
        declared({**PROGRAM, "env": {"A": "1"}}, signed=True),
        declared({**PROGRAM, "env": {"A": "env:B"}}, signed=True),
        declared({**PROGRAM, "cwd": "x"}, signed=True),
        declared({**PROGRAM, "command": ["server", "--y"]}, signed=True),
    ]
    assert len({each.digest for each in made}) == len(made)
