"""Attacks by the head of a request: hosts, origins, headers that others trust. Numbers 2, 18, 19."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from live import Home, ScriptedUpstream, chat_body, post, raw_exchange

pytestmark = pytest.mark.slow

CONFUSING_HOSTS = [
    "a/?x=", "a/healthz?x=", "a#", "a\\@b", "user@host", "a b", "[::1", "host:port", "a/../healthz",
]  # fmt: skip


def asked(url: str, head: str, body: bytes = b"") -> tuple[int, bytes]:
    """Status and all bytes of the answer to a request that is written by hand."""
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    answer = raw_exchange(url, head.encode() + body)
    return int(answer.split(b" ", 2)[1]), answer


@pytest.mark.parametrize("host", CONFUSING_HOSTS)
def test_2_a_host_header_that_is_part_of_a_url_opens_no_protected_route(
    shared: Home, host: str
) -> None:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\n"
    status, answer = asked(shared.url, head + "Content-Type: application/json\r\n", chat_body())
    assert status == 400
    assert b"host" in answer
    status, answer = asked(shared.instance.console, f"GET /api/calls HTTP/1.1\r\nHost: {host}\r\n")
    assert status in {400, 421}
    assert b"in_flight" not in answer


def test_2_the_path_that_is_authorised_is_the_one_that_is_served(shared: Home) -> None:
    url = shared.url
    for target in ("http://a/healthz", "//healthz", "/v1/../healthz", "/v1/chat/completions/../x"):
        status, _ = asked(url, f"POST {target} HTTP/1.1\r\nHost: localhost\r\n", chat_body())
        assert status in {400, 401, 404}, target


TRUSTED_BY_OTHERS = {
    "x-request-id": "01-chosen-by-the-client",
    "x-forwarded-for": "127.0.0.1, 203.0.113.7",
    "x-forwarded-host": "internal.example",
    "x-forwarded-proto": "https",
    "x-forwarded-user": "administrator",
    "x-real-ip": "127.0.0.1",
    "forwarded": "for=127.0.0.1;host=internal.example",
    "x-original-url": "/admin",
    "x-remote-user": "administrator",
    "mcp-init-host": "internal.example",
    "router-key": "secret-api-key",
    "holdfast-principal": "spiffe://holdfast.local/t/default/service/clerk",
    "holdfast-node": "clerk",
    "holdfast-decision": "allow",
    "x-holdfast-caller": "clerk",
    "api-key": "sk-of-the-client",
    "x-api-key": "sk-of-the-client",
    "cookie": "session=of-the-client",
    "proxy-authorization": "Basic b2Y6dGhlLWNsaWVudA==",
}


def test_18_what_a_client_sends_as_internal_headers_reaches_no_upstream_and_no_decision(
    shared: Home, upstream: ScriptedUpstream
) -> None:
    body = chat_body(scripted={"mark": "internal-headers"})
    answer = post(shared.url, body, key=shared.keys["desk"], headers=TRUSTED_BY_OTHERS)
    assert answer.status == 200
    assert answer.call != TRUSTED_BY_OTHERS["x-request-id"]
    reached = upstream.seen("internal-headers").headers
    sent = {name: value.decode() for name, value in ((n.decode(), v) for n, v in reached.items())}
    assert {n for n, v in TRUSTED_BY_OTHERS.items() if v in sent.values()} == set()
    assert shared.keys["desk"] not in " ".join(sent.values())
    record = shared.records(answer.call)[-1]
    assert record["principal"] is not None
    assert "clerk" not in json.dumps(record)
    assert "administrator" not in json.dumps(record)


def test_18_no_header_stands_in_for_a_key(shared: Home) -> None:
    answer = post(shared.url, chat_body(), key=None, headers=TRUSTED_BY_OTHERS)
    assert (answer.status, answer.rule) == (401, "identity.missing")


def listening(*ports: int) -> set[tuple[str, int]]:
    """Who listens on these ports, by the kernel's own table."""
    found: set[tuple[str, int]] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state = line.split()[:4]
            address, _, port = local.partition(":")
            if state == "0A" and int(port, 16) in ports:
                found.add((address, int(port, 16)))
    return found


def test_19_nothing_listens_beyond_loopback_by_default(shared: Home) -> None:
    calls, console = (urlsplit(u).port or 0 for u in (shared.url, shared.instance.console))
    assert listening(calls, console) == {("0100007F", calls), ("0100007F", console)}


@pytest.mark.parametrize("path", ["/", "/api/calls", "/api/live", "/log/checkpoint", "/metrics"])
def test_19_the_console_answers_no_foreign_host_and_no_foreign_page(
    shared: Home, path: str
) -> None:
    console = shared.instance.console
    rebound = asked(console, f"GET {path} HTTP/1.1\r\nHost: rebound.example\r\n")
    assert rebound[0] == 421
    assert b"faces.host-refused" in rebound[1]
    for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n"
        status, answer = asked(console, head)
        assert (status, b"faces.origin-refused" in answer) == (403, True)
    own = f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nOrigin: {console}\r\n"
    assert asked(console, own)[0] == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Host", "rebound.example"),
    ],
)
def test_19_the_tools_endpoint_answers_no_foreign_host_and_no_foreign_page(
    shared: Home, field: str, value: str
) -> None:
    fields = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {shared.keys['desk']}",
        field: value,
    }
    head = "POST /mcp HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items())
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'
    status, answer = asked(shared.url, head, body)
    assert status == 403, answer
