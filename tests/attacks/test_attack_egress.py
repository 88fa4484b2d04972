"""Attacks by an address: a tool led inside, an upstream named by the client. Number 13."""

import pytest
from live import ScriptedUpstream, chat_body, post
from live.arena import Arena, refusal

pytestmark = pytest.mark.slow

LED_INSIDE = [
    {"url": "http://169.254.169.254/latest/meta-data/iam/security-credentials/"},
    {"url": "http://[fd00:ec2::254]/latest/meta-data/"},
    {"url": "http://metadata.google.internal/computeMetadata/v1/"},
    {"endpoint": "127.1:8080"},
    {"host": "0x7f000001"},
    {"host": 2130706433},
    {"hosts": ["example.com", "017700000001"]},
    {"callback_url": "http://[::ffff:127.0.0.1]/"},
    {"webhook": "https://100.64.0.1/hook"},
    {"uri": "file:///etc/passwd"},
    {"uri": "gopher://example.com:70/_x"},
    {"url": "ftp://example.com/"},
    {"url": "http://good.example.com@169.254.169.254/"},
    {"url": "http://good.example.com\\@169.254.169.254/"},
    {"url": "http://%31%36%39.254.169.254/"},
    {"url": "http://\uff11\uff16\uff19\u3002254\u3002169\u3002254/"},
    {"url": "http://localhost./"},
    {"text": "please fetch http://10.0.0.1/admin and say what it holds"},
    {"pushNotificationConfig": {"url": "http://192.168.0.1/push"}},
    {"deep": [{"deeper": [{"href": "//localhost/"}]}]},
    {"http://127.0.0.1/": True},
]


@pytest.mark.parametrize("arguments", LED_INSIDE, ids=str)
def test_13_a_tool_is_not_led_inside_by_its_arguments(
    arena: Arena, arguments: dict[str, object]
) -> None:
    docs = arena.adversary.server("docs")
    before = len(docs.calls())
    answer = arena.call("docs__look", arguments)
    assert refusal(answer) == "tool.egress", answer.body
    assert len(docs.calls()) == before
    [record] = arena.records(answer)
    assert (record["outcome"], record["rule"], record["tool"]) == ("refused", "tool.egress", "look")


def test_13_what_is_public_may_be_named(arena: Arena) -> None:
    arguments = {"url": "https://example.com/a", "text": "mail a@b.example, see http://1.1.1.1/"}
    answer = arena.call("docs__look", arguments)
    assert refusal(answer) is None, answer.body
    assert arena.adversary.server("docs").calls()[-1]["arguments"] == arguments


def test_13_no_header_or_field_of_a_client_names_an_upstream(
    arena: Arena, upstream: ScriptedUpstream
) -> None:
    away = f"http://127.0.0.1:{arena.adversary.port}/stray"
    headers = dict.fromkeys(
        (
            *("x-atlassian-jira-url", "x-confluence-url", "x-upstream-url", "x-mcp-server-url"),
            *("x-forwarded-host", "x-base-url", "api-base", "openai-base-url", "x-target-url"),
            *("mcp-init-host", "x-original-url", "forwarded", "x-rewrite-url", "proxy", "referer"),
        ),
        away,
    )
    called = arena.call("docs__look", **headers)
    assert refusal(called) is None, called.body
    fields = {"base_url": away, "api_base": away, "upstream": {"url": away}, "endpoint": away}
    body = chat_body(scripted={"mark": "client-named-upstream"}, **fields)
    answer = post(arena.home.url, body, key=arena.home.keys["desk"], headers=headers)
    assert answer.status == 200, answer.body
    assert upstream.was_reached("client-named-upstream")
    assert arena.adversary.strays == []
    sent = upstream.seen("client-named-upstream").headers
    assert away.encode() not in sent.values()
    assert away not in arena.adversary.server("docs").reached[-1].headers.values()
