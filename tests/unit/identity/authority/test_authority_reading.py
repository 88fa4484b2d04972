"""What is not understood of an authority is refused; what is written has one spelling."""

import json

import pytest

from holdfast.identity.authority import AuthorityError, read_authorities, write_authorities

PLAIN = {"type": "mcp_tool", "locations": ["https://a.example/mcp"], "actions": ["call"]}
LLM = {"type": "llm", "locations": ["https://a.example/mcp"], "actions": ["invoke"]}


def read(*authorities):
    return read_authorities(json.dumps(authorities).encode())


def test_every_member_is_read_and_written_canonically():
    whole = {
        **PLAIN,
        "tools": ["send@" + "a" * 64, "find", "find@" + "a" * 64],
        "args": {"path": {"prefix": "/docs//a/"}, "mode": {"in": ["x", "a", "a"]}, "n": {"max": 5}},
        "max": {"calls": 3, "tokens": 10, "usd_micro": 7},
        "taint_max": 1,
        "data": {"max": "confidential"},
        "not_after": 1790000000,
    }
    assert json.loads(write_authorities(read(whole))) == [
        {
            **whole,
            "tools": ["find", "send@" + "a" * 64],
            "args": {"path": {"prefix": "/docs/a"}, "mode": {"in": ["a", "x"]}, "n": {"max": 5}},
        }
    ]


def test_one_value_is_written_as_eq():
    (held,) = read({**PLAIN, "args": {"on": {"in": [True]}}})
    assert held.json["args"] == {"on": {"eq": True}}
    assert read({**PLAIN, "args": {"on": {"eq": True}}}) == (held,)


@pytest.mark.parametrize(
    "wrong",
    [
        {**PLAIN, "privileges": ["admin"]},
        {**PLAIN, "Type": "llm"},
        {**PLAIN, "max": {"calls": 1, "euros": 1}},
        {**PLAIN, "max": {"calls": None}},
        {**PLAIN, "max": {"calls": -1}},
        {**PLAIN, "max": {"calls": True}},
        {**PLAIN, "max": {"calls": 2**53}},
        {**PLAIN, "tools": None},
        {**PLAIN, "tools": []},
        {**PLAIN, "tools": ["find@latest"]},
        {**PLAIN, "tools": ["find@" + "A" * 64]},
        {**PLAIN, "tools": ["fi nd"]},
        {**PLAIN, "tools": [""]},
        {**PLAIN, "models": ["small"]},
        {**LLM, "tools": ["find"]},
        {**LLM, "models": []},
        {**PLAIN, "type": "root"},
        {**PLAIN, "locations": []},
        {**PLAIN, "locations": ["*"]},
        {**PLAIN, "locations": ["https://A.example/mcp"]},
        {**PLAIN, "locations": ["https://a.example/mcp/"]},
        {**PLAIN, "locations": ["https://a.example:443/mcp"]},
        {**PLAIN, "locations": ["https://user@a.example/mcp"]},
        {**PLAIN, "locations": ["https://a.example/x/../mcp"]},
        {**PLAIN, "locations": ["https://a.example/mcp?x=1"]},
        {**PLAIN, "actions": []},
        {**PLAIN, "actions": ["*"]},
        {**PLAIN, "args": {"path": {}}},
        {**PLAIN, "args": {"path": {"eq": 1, "max": 1}}},
        {**PLAIN, "args": {"path": {"in": []}}},
        {**PLAIN, "args": {"path": {"eq": 1.5}}},
        {**PLAIN, "args": {"path": {"eq": ["a"]}}},
        {**PLAIN, "args": {"path": {"regex": ".*"}}},
        {**PLAIN, "args": {"path": {"max": -1}}},
        {**PLAIN, "args": {"path": {"prefix": ""}}},
        {**PLAIN, "args": {"path": {"prefix": "/docs/.."}}},
        {**PLAIN, "args": {"": {"eq": 1}}},
        {**PLAIN, "taint_max": 4},
        {**PLAIN, "taint_max": None},
        {**PLAIN, "data": {"max": "secret"}},
        {**PLAIN, "data": {}},
        {**PLAIN, "not_after": "tomorrow"},
        {"type": "mcp_tool"},
        "everything",
    ],
    ids=lambda wrong: str(wrong)[-50:],
)
def test_what_is_not_understood_is_refused(wrong):
    with pytest.raises(AuthorityError):
        read(wrong)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"[1]",
        b"null",
        b"[]} ",
        b'[],"is":[]',
        b"\xff",
        b"[" * 5000,
        b'[{"type":"llm","type":"llm","locations":["https://a.b"],"actions":["invoke"]}]',
        b'[{"type":"llm","locations":["https://a.b"],"actions":["x"],"max":{"calls":1,"calls":9}}]',
        json.dumps([PLAIN] * 17).encode(),
        b" " * 70_000,
    ],
    ids=lambda text: repr(text[:40]),
)
def test_text_that_is_no_list_of_authorities_or_reads_two_ways_is_refused(text):
    with pytest.raises(AuthorityError):
        read_authorities(text)
