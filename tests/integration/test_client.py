"""The client library against a running instance: its identities, its sessions, its mandates."""

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mcp
import openai
import pytest
from live import Home, ScriptedUpstream, eventually
from mcp.client.streamable_http import streamable_http_client

from holdfast.client import Identity, by_command
from holdfast.identity import PublicKey, SigningKey, gateway_name, issuer_name
from holdfast.identity.authority import Authority
from holdfast.identity.issuer import Issuer
from holdfast.identity.mandates import Holder, MandateIssuer, Terms, grant_to_service
from holdfast.world.real import SystemClock, SystemEntropy

pytestmark = pytest.mark.slow

SERVER = Path(__file__).parent / "live" / "mcp_server.py"
DOMAIN, TENANT = "holdfast.local", "default"
NAME = f"spiffe://{DOMAIN}/t/{TENANT}"
ASK: Any = [{"role": "user", "content": "Which clause is this?"}]
BLUEPRINT = """\
holdfast: 1
name: agents
description: An agent, whom it sends, and what both may use.
nodes:
  lead: {{type: ai:agent, description: Reviews.}}
  extractor: {{type: ai:agent, description: Extracts clauses.}}
  reviewer:
    type: ai:llm
    description: Answers.
    controls:
      upstream: {{url: "http://127.0.0.1:{upstream}/v1"}}
  web:
    type: ai:mcp-server
    description: Has tools.
    controls:
      upstream: {{url: "http://127.0.0.1:{server}/mcp", dialect: mcp}}
relationships:
  - {{id: lead-reviewer, connects: [lead, reviewer], protocol: HTTP, description: Asks.}}
  - id: extractor-reviewer
    connects: [extractor, reviewer]
    protocol: HTTP
    description: Asks for whoever sent it.
    controls: {{identity: {{mandate: true, proofs: [session]}}}}
  - {{id: lead-web, connects: [lead, web], protocol: HTTP, description: Uses.}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """The port of an MCP server."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(SERVER), str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: is_open(port), "the server listens")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream, server: int
) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("agents"), upstream.port) as made:
        made.blueprint.write_text(BLUEPRINT.format(upstream=upstream.port, server=server))
        made.up("--workers", "2")
        yield made


def identity(home: Home, node: str, *, name: str | None = None) -> Identity:
    """As the page of the client shows it: one command, one line."""
    key = home.folder / f"{name or node}.pem"
    options = ("--key", str(key), "--data", str(home.data))
    made = home.run("identity", "issue", node, *options, "--new", check=True)
    key.with_suffix(".wit").write_text(made.out)
    return Identity.load(key, gateway=home.url)


@pytest.fixture(scope="module")
def lead(home: Home) -> Identity:
    return identity(home, "lead")


def root(home: Home, holder: Identity) -> bytes:
    """A mandate of the issuer: to ask the reviewer."""
    found = Issuer.decode((home.data / "keys" / "issuer.json").read_bytes())
    now = SystemClock().now()
    asks = Authority(
        type="llm",
        locations=frozenset((f"{NAME}/model/reviewer",)),
        actions=frozenset(("generate", "embed")),
    )
    return grant_to_service(
        MandateIssuer(iss=issuer_name(DOMAIN), key=found.token_key(now)),
        Holder(agent=holder.name, key=PublicKey.from_jwk(holder.public_key)),
        terms=Terms(audience=gateway_name(DOMAIN, TENANT), ttl_s=300, depth=2),
        asked=[asks],
        widest=[asks],
        now=now,
        entropy=SystemEntropy(),
    )


def sdk(home: Home, who: Identity, **more: Any) -> openai.OpenAI:
    http = who.httpx2_client(**more)
    return openai.OpenAI(
        base_url=f"{home.url}/v1", http_client=http, api_key="unused", max_retries=0
    )


def record_of(home: Home, answer: Any) -> dict[str, Any]:
    return home.records(answer.headers["x-request-id"])[-1]


def test_the_openai_sdk_asks_with_an_identity_by_session(home: Home, lead: Identity) -> None:
    with sdk(home, lead) as client:
        raw = client.chat.completions.with_raw_response.create(model="reviewer", messages=ASK)
        chunks = client.chat.completions.create(model="reviewer", messages=ASK, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    record = record_of(home, raw)
    assert (record["principal"], record["proof"]) == (f"{NAME}/agent/lead", "session")


def test_every_worker_knows_a_session(home: Home, lead: Identity) -> None:
    with sdk(home, lead) as first:
        first.chat.completions.create(model="reviewer", messages=ASK)
        for _ in range(6):  # new connections, so that both workers are asked
            auth = first._client.auth
            with lead.httpx2_client(base_url=f"{home.url}/v1") as http:
                http.auth = auth
                said = http.post("/chat/completions", json={"model": "reviewer", "messages": ASK})
                assert said.status_code == 200, said.text
                assert record_of(home, said)["proof"] == "session"


def test_the_mcp_sdk_uses_tools_with_an_identity(home: Home, lead: Identity) -> None:
    async def names() -> list[str]:
        async with (
            lead.httpx2_async_client() as http,
            mcp.Client(streamable_http_client(f"{home.url}/mcp", http_client=http)) as client,
        ):
            return [tool.name for tool in (await client.list_tools()).tools]

    eventually(lambda: shown(home), "the server was seen")
    for pin in shown(home):
        words = ("approve", "web", pin["name"], "--kind", pin["kind"], "--digest", pin["digest"])
        home.tell("tools", *words, "--reason", "test")
    found = eventually(lambda: asyncio.run(names()), "the tools are shown")
    assert all(name.startswith("web__") for name in found)


@pytest.mark.parametrize("title", ["openai", "httpx", "mcp"])
def test_what_the_page_shows_runs(
    title: str, home: Home, lead: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parents[2] / "docs" / "identity" / "client.md"
    _, _, rest = page.read_text().partition(f'```python title="{title}"\n')
    code = rest.partition("```")[0].replace("http://127.0.0.1:8080", home.url)
    monkeypatch.chdir(home.folder)
    names: dict[str, Any] = {}
    exec(compile(code, str(page), "exec"), names)
    found = names.get("answer") or names.get("models") or names.get("names")
    assert found is not None
    if "client" in names:
        names["client"].close()


def shown(home: Home) -> list[Any]:
    return [pin for pin in home.tell("tools", "list")["tools"] if pin["server"] == "web"]


def test_a_sub_agent_asks_by_what_it_was_delegated_and_no_more(home: Home, lead: Identity) -> None:
    extractor = identity(home, "extractor")
    with sdk(home, extractor) as client, pytest.raises(openai.PermissionDeniedError) as refused:
        client.chat.completions.create(model="reviewer", messages=ASK)
    assert refused.value.code == "demand.mandate"
    chain = lead.with_mandate(root(home, lead)).delegate(
        to=extractor.name,
        key=extractor.public_key,
        authority=[
            {"type": "llm", "locations": [f"{NAME}/model/reviewer"], "actions": ["generate"]}
        ],
        ttl=120,
        why="Find the termination clause.",
    )
    with sdk(home, extractor.with_mandate(chain)) as client:
        raw = client.chat.completions.with_raw_response.create(model="reviewer", messages=ASK)
        with pytest.raises(openai.PermissionDeniedError) as refused:
            client.embeddings.create(model="reviewer", input="a clause")
    assert refused.value.code == "authority.exceeded"
    record = record_of(home, raw)
    assert record["chain"] == [f"{NAME}/agent/lead", f"{NAME}/agent/extractor"]
    assert record["proof"] == "session"


def test_an_identity_is_renewed_by_the_command(home: Home, tmp_path: Path) -> None:
    key = tmp_path / "lead.pem"
    Identity.create(key)
    command = str(Path(sys.executable).with_name("holdfast"))
    renew = by_command(
        *(command, "identity", "issue", "lead", "--key", str(key), "--data", str(home.data))
    )
    made = Identity.load(key, gateway=home.url, renew=renew)
    with sdk(home, made) as client:
        client.chat.completions.create(model="reviewer", messages=ASK)
    assert key.with_suffix(".wit").exists()


def test_a_session_outlives_no_restart_that_changes_its_secrets(
    tmp_path: Path, upstream: ScriptedUpstream, server: int
) -> None:
    with Home(tmp_path, upstream.port) as home:
        home.blueprint.write_text(BLUEPRINT.format(upstream=upstream.port, server=server))
        port = home.up().url.rpartition(":")[2]
        with sdk(home, identity(home, "lead")) as client:
            client.chat.completions.create(model="reviewer", messages=ASK)
            home.instance.stop()
            home.up("--port", port)
            client.chat.completions.create(model="reviewer", messages=ASK)


def test_mutual_tls_proves_an_identity_without_more(
    tmp_path: Path, upstream: ScriptedUpstream, server: int
) -> None:
    with Home(tmp_path, upstream.port) as home:
        home.blueprint.write_text(BLUEPRINT.format(upstream=upstream.port, server=server))
        home.up()
        lead, served = identity(home, "lead"), tmp_path / "gateway.pem"
        Identity.create(tmp_path / "gateway.key.pem")
        roots = tmp_path / "roots.pem"
        found = Issuer.decode((home.data / "keys" / "issuer.json").read_bytes())
        roots.write_text(
            "".join(ssl.DER_cert_to_PEM_cert(der) for der in found.bundle().authorities)
        )
        key_file = tmp_path / "gateway.key.pem"
        served.write_text(certificate(found, f"{NAME}/gateway/main", key_file))
        shown_by_lead = certificate(found, lead.name, home.folder / "lead.pem").encode()
        home.instance.stop()
        home.up(
            *("--tls-certificate", str(served), "--tls-key", str(key_file)),
            *("--tls-clients", str(roots)),
        )
        url = "https://localhost:" + home.url.rpartition(":")[2]
        tls = lead.mtls_context(shown_by_lead, roots=roots)
        mine = Identity.load(home.folder / "lead.pem")
        with mine.httpx2_client(base_url=f"{url}/v1", tls=tls, proofs="mtls") as http:
            said = http.post("/chat/completions", json={"model": "reviewer", "messages": ASK})
        assert said.status_code == 200, said.text
        assert record_of(home, said)["proof"] == "mtls"


def certificate(found: Issuer, name: str, key_file: Path) -> str:
    der = found.issue_x509_svid(
        name,
        SigningKey.from_pem(key_file.read_bytes()).public,
        now=SystemClock().now(),
        entropy=SystemEntropy(),
        hosts=("localhost",),
    )
    return ssl.DER_cert_to_PEM_cert(der)
