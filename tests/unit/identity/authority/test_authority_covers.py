"""A call that no authority covers is told why, by a stable word."""

import msgspec
import pytest

from holdfast.core import Instant
from holdfast.identity.authority import (
    Allowance,
    ArgumentLimit,
    Ask,
    Authority,
    Classification,
    covering,
    covers,
    one_of,
)

PIN = "a" * 64
HELD = Authority(
    type="mcp_tool",
    locations=frozenset({"https://a.example/mcp"}),
    actions=frozenset({"call"}),
    tools=frozenset({f"find@{PIN}", "send"}),
    args=(("path", ArgumentLimit(prefix="/docs")), ("mode", one_of("fast", None))),
    max=Allowance(calls=5, tokens=100, usd_micro=50),
    taint_max=1,
    data_max=Classification.internal,
    not_after=1000,
)
ASK = Ask(
    type="mcp_tool",
    location="https://a.example/mcp",
    action="call",
    now=Instant(999_999_999),
    tool="find",
    descriptor=PIN,
    args={"path": "/docs/x", "mode": None, "other": [1]},
    tokens=100,
    usd_micro=50,
    taint=1,
    data=Classification.internal,
)


def test_what_is_within_every_limit_is_covered():
    assert covers([HELD], ASK) is None
    assert covering([HELD], ASK) == 0


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ({"type": "a2a"}, "authority.type"),
        ({"location": "https://a.example"}, "authority.location"),
        ({"action": "read"}, "authority.action"),
        ({"tool": "drop"}, "authority.tool"),
        ({"tool": None}, "authority.tool"),
        ({"tool": f"find@{PIN}"}, "authority.tool"),
        ({"descriptor": "b" * 64}, "authority.descriptor"),
        ({"descriptor": None}, "authority.descriptor"),
        ({"args": {"path": "/docs/../etc", "mode": None}}, "authority.argument"),
        ({"args": {"path": "/docs"}}, "authority.argument"),
        ({"taint": 2}, "authority.taint"),
        ({"taint": -1}, "authority.taint"),
        ({"data": Classification.confidential}, "authority.data"),
        ({"tokens": 101}, "authority.tokens"),
        ({"tokens": -1}, "authority.tokens"),
        ({"usd_micro": 51}, "authority.cost"),
        ({"now": Instant(1_000_000_000)}, "authority.expired"),
    ],
    ids=str,
)
def test_each_limit_refuses_by_its_own_word(change, by):
    refused = covers([HELD], msgspec.structs.replace(ASK, **change))
    assert refused is not None
    assert refused.by == by


def test_no_calls_left_in_the_allowance_refuses():
    spent = msgspec.structs.replace(HELD, max=Allowance(calls=0))
    assert covers([spent], ASK).by == "authority.calls"


def test_a_model_must_be_named_where_models_are():
    held = Authority(
        type="llm",
        locations=HELD.locations,
        actions=HELD.actions,
        models=frozenset({"small"}),
    )
    ask = msgspec.structs.replace(ASK, type="llm", model="small")
    assert covers([held], ask) is None
    for model in ("large", None):
        assert covers([held], msgspec.structs.replace(ask, model=model)).by == "authority.model"


def test_what_an_ask_does_not_tell_counts_as_the_worst():
    told = Ask(type="mcp_tool", location=ASK.location, action="call", now=ASK.now)
    bare = Authority(type="mcp_tool", locations=HELD.locations, actions=HELD.actions)
    assert covers([bare], told) is None
    assert covers([msgspec.structs.replace(bare, taint_max=2)], told).by == "authority.taint"
    limited = msgspec.structs.replace(bare, data_max=Classification.confidential)
    assert covers([limited], told).by == "authority.data"


def test_the_refusal_told_is_that_of_the_nearest_authority():
    elsewhere = msgspec.structs.replace(HELD, locations=frozenset({"https://b.example"}))
    refused = covers([elsewhere, HELD], msgspec.structs.replace(ASK, args={"path": "/etc"}))
    assert (refused.by, refused.index, refused.argument) == ("authority.argument", 1, "mode")
    assert covers([], ASK).by == "authority.none"
    assert covering([elsewhere], ASK) is None
    assert covering([elsewhere, HELD], ASK) == 1
