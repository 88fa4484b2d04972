"""Every request to the gateway proves who sends it; nothing else ever gets a credential."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import httpx2
import mcp
import openai
import pytest
from mcp.client.streamable_http import streamable_http_client
from verifying_gateway import ASKS, REVIEWER, VerifyingGateway, agent

from holdfast.client import Identity, MandateMissingError, OriginError

ASK: Any = [{"role": "user", "content": "Is it?"}]
FIELDS = {
    *("workload-identity-token", "workload-proof-token", "holdfast-mandate"),
    *("signature", "signature-input", "dpop"),
}


@pytest.fixture
def desk(gateway: VerifyingGateway, tmp_path: Path) -> Identity:
    return gateway.identity(tmp_path, "desk")


def ask(client: Any, gateway: VerifyingGateway, path: str = "/v1/chat/completions?a=b") -> Any:
    return client.post(gateway.url + path, json={"model": "reviewer"})


CLIENTS = [Identity.httpx_client, Identity.httpx2_client]
ASYNC_CLIENTS = [Identity.httpx_async_client, Identity.httpx2_async_client]


# -- the clients that people use ----------------------------------------------------------------


@pytest.mark.parametrize("make", CLIENTS)
def test_the_openai_sdk_calls_with_an_identity_in_one_line(
    make: Callable[..., Any], desk: Identity, gateway: VerifyingGateway
) -> None:
    http = make(desk, base_url=f"{gateway.url}/v1")
    with openai.OpenAI(http_client=http, base_url=f"{gateway.url}/v1", api_key="unused") as client:
        said = client.chat.completions.create(model="reviewer", messages=ASK)
        chunks = client.chat.completions.create(model="reviewer", messages=ASK, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert (said.choices[0].message.content, text) == ("Yes.", "Yes.")
    assert [caller.principal for caller in gateway.callers] == [agent("desk")] * 3
    assert [caller.proof for caller in gateway.callers] == ["wpt", "session", "session"]
    assert not any("authorization" in headers for headers in gateway.seen)


@pytest.mark.parametrize("make", ASYNC_CLIENTS)
def test_the_async_openai_sdk_does_too(
    make: Callable[..., Any], desk: Identity, gateway: VerifyingGateway
) -> None:
    async def use() -> list[str]:
        http = make(desk)
        url = f"{gateway.url}/v1"
        async with openai.AsyncOpenAI(http_client=http, base_url=url, api_key="unused") as client:
            said = await client.chat.completions.create(model="reviewer", messages=ASK)
            chunks = await client.chat.completions.create(
                model="reviewer", messages=ASK, stream=True
            )
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
            return [said.choices[0].message.content or "", text]

    assert asyncio.run(use()) == ["Yes.", "Yes."]
    assert [caller.proof for caller in gateway.callers] == ["wpt", "session", "session"]


def test_the_mcp_sdk_calls_tools_with_an_identity(
    desk: Identity, gateway: VerifyingGateway
) -> None:
    async def use() -> tuple[list[str], str]:
        http = desk.httpx2_async_client()
        async with (
            http,
            mcp.Client(streamable_http_client(f"{gateway.url}/mcp", http_client=http)) as client,
        ):
            tools = await client.list_tools()
            said = await client.call_tool("look_up", {})
            return [tool.name for tool in tools.tools], said.content[0].text  # type: ignore[union-attr]

    assert asyncio.run(use()) == (["look_up"], "found")
    assert {caller.principal for caller in gateway.callers} == {agent("desk")}


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_client_of_ones_own_takes_the_auth(
    library: Any, desk: Identity, gateway: VerifyingGateway
) -> None:
    auth = desk.httpx_auth() if library is httpx else desk.httpx2_auth()
    with library.Client(auth=auth) as client:
        assert client.get(f"{gateway.url}/v1/models").status_code == 200
        assert ask(client, gateway).status_code == 200
    assert [caller.proof for caller in gateway.callers] == ["wpt", "session", "session"]


def test_any_other_client_takes_the_headers(desk: Identity, gateway: VerifyingGateway) -> None:
    url, body = f"{gateway.url}/v1/embeddings?x=1", b'{"model":"reviewer"}'
    headers = desk.headers("post", url, body=body, content_type="application/json")
    with httpx.Client() as client:
        for wanted in (200, 401):  # a proof is good once
            said = client.post(
                url, content=body, headers={**headers, "content-type": "application/json"}
            )
            assert said.status_code == wanted


# -- sessions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", CLIENTS)
def test_without_sessions_each_request_carries_a_proof_of_its_own(
    make: Callable[..., Any], desk: Identity, gateway: VerifyingGateway
) -> None:
    gateway.has_sessions = False
    with make(desk) as client:
        assert [ask(client, gateway).status_code for _ in range(3)] == [200, 200, 200]
    assert [caller.proof for caller in gateway.callers] == ["wpt"] * 3
    assert gateway.paths.count("/identity/session") == 1  # and is not asked at each request


@pytest.mark.parametrize("make", CLIENTS)
def test_a_session_that_the_gateway_lost_is_opened_anew(
    make: Callable[..., Any], desk: Identity, gateway: VerifyingGateway
) -> None:
    with make(desk) as client:
        assert ask(client, gateway).status_code == 200
        gateway.forget_sessions()
        assert ask(client, gateway).status_code == 200
    assert [caller.proof for caller in gateway.callers] == ["wpt", "session", "wpt", "session"]


def test_threads_share_a_client_and_one_session(desk: Identity, gateway: VerifyingGateway) -> None:
    said: list[int] = []
    with desk.httpx_client() as client:
        threads = [
            threading.Thread(target=lambda: said.append(ask(client, gateway).status_code))
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert said == [200] * 12
    assert gateway.paths.count("/identity/session") == 1


def test_tasks_share_a_client_and_one_session(desk: Identity, gateway: VerifyingGateway) -> None:
    async def use() -> list[int]:
        async with desk.httpx2_async_client() as client:
            answers = await asyncio.gather(*[ask(client, gateway) for _ in range(12)])
            return [answer.status_code for answer in answers]

    assert asyncio.run(use()) == [200] * 12
    assert gateway.paths.count("/identity/session") == 1


# -- mandates -----------------------------------------------------------------------------------


def test_a_sub_agent_calls_under_what_it_was_delegated(
    desk: Identity, gateway: VerifyingGateway, tmp_path: Path
) -> None:
    clerk = gateway.identity(tmp_path, "clerk")
    holder = desk.with_mandate(gateway.mandate(desk))
    narrow = {
        "type": "llm",
        "locations": [REVIEWER],
        "actions": ["generate"],
        "max": {"calls": 3},
    }
    chain = holder.delegate(
        to=clerk.name, key=clerk.public_key, authority=[narrow], ttl=60, why="Read the clauses."
    )
    with clerk.with_mandate(chain).httpx_client() as client:
        assert [ask(client, gateway).status_code for _ in range(2)] == [200, 200]
    mandate = gateway.callers[-1].mandate
    assert mandate is not None
    assert (mandate.principal, mandate.holder) == (agent("desk"), agent("clerk"))
    assert mandate.authorities[0].actions == {"generate"}
    assert mandate.hops[-1].why == "Read the clauses."
    assert gateway.callers[-1].proof == "session"


def test_a_mandate_of_another_key_is_refused_before_it_is_sent(
    desk: Identity, gateway: VerifyingGateway, tmp_path: Path
) -> None:
    clerk = gateway.identity(tmp_path, "clerk")
    with pytest.raises(MandateMissingError):
        clerk.with_mandate(gateway.mandate(desk))
    with pytest.raises(MandateMissingError):
        desk.delegate(to=clerk.name, key=clerk.public_key, authority=[ASKS])
    with pytest.raises(MandateMissingError):
        desk.with_mandate(b"no.chain.at all")


def test_a_mandate_is_got_from_a_callable_where_it_is_used(
    desk: Identity, gateway: VerifyingGateway
) -> None:
    given: list[bytes] = []

    def get() -> bytes:
        given.append(gateway.mandate(desk))
        return given[-1]

    with desk.with_mandate(get).httpx_client() as client:
        assert given == []
        assert [ask(client, gateway).status_code for _ in range(2)] == [200, 200]
    assert len(given) == 1
    assert gateway.seen[-1]["holdfast-mandate"] == given[0].decode()


# -- nowhere else -------------------------------------------------------------------------------


@pytest.mark.parametrize("make", CLIENTS)
def test_a_redirect_to_another_origin_takes_no_credential_along(
    make: Callable[..., Any],
    desk: Identity,
    gateway: VerifyingGateway,
    elsewhere: VerifyingGateway,
) -> None:
    gateway.redirect_to = elsewhere.url
    with make(desk) as client:
        client.follow_redirects = True
        said = ask(client, gateway)
    assert said.json()["error"]["code"] == "identity.missing"
    assert len(elsewhere.seen) == 1
    assert FIELDS.isdisjoint(elsewhere.seen[0])


@pytest.mark.parametrize("make", ASYNC_CLIENTS)
def test_nor_does_one_of_an_async_client(
    make: Callable[..., Any],
    desk: Identity,
    gateway: VerifyingGateway,
    elsewhere: VerifyingGateway,
) -> None:
    async def use() -> None:
        async with make(desk) as client:
            client.follow_redirects = True
            await ask(client, gateway)

    gateway.redirect_to = elsewhere.url
    asyncio.run(use())
    assert FIELDS.isdisjoint(elsewhere.seen[0])


@pytest.mark.parametrize("library", [httpx, httpx2])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_redirect_of_a_foreign_client_stops_before_a_byte_is_sent(
    library: Any,
    is_async: bool,
    desk: Identity,
    gateway: VerifyingGateway,
    elsewhere: VerifyingGateway,
) -> None:
    auth = desk.httpx_auth() if library is httpx else desk.httpx2_auth()
    gateway.redirect_to = elsewhere.url

    async def use() -> None:
        async with library.AsyncClient(auth=auth, follow_redirects=True) as client:
            await ask(client, gateway)

    with pytest.raises(OriginError):
        if is_async:
            asyncio.run(use())
        else:
            with library.Client(auth=auth, follow_redirects=True) as client:
                ask(client, gateway)
    assert elsewhere.seen == []


@pytest.mark.parametrize("make", CLIENTS)
def test_a_request_to_another_origin_gets_no_credential(
    make: Callable[..., Any],
    desk: Identity,
    gateway: VerifyingGateway,
    elsewhere: VerifyingGateway,
) -> None:
    with make(desk) as client:
        held = {"holdfast-mandate": "of somebody", "authorization": "Bearer for-them"}
        client.post(f"{elsewhere.url}/v1/models", headers=held)
    assert FIELDS.isdisjoint(elsewhere.seen[0])
    assert elsewhere.seen[0]["authorization"] == "Bearer for-them"
    assert gateway.seen == []


def test_an_identity_serves_one_gateway(desk: Identity, elsewhere: VerifyingGateway) -> None:
    with pytest.raises(OriginError):
        desk.httpx_client(base_url=elsewhere.url)
    with pytest.raises(OriginError):
        desk.headers("GET", elsewhere.url)


@pytest.mark.parametrize("url", ["gateway", "ftp://gateway", "https://a@gateway", "http://x:y"])
def test_a_gateway_is_named_by_its_address(url: str, tmp_path: Path) -> None:
    with pytest.raises(OriginError):
        Identity.create(tmp_path / "a.pem", gateway=url)


def test_nothing_printed_shows_a_secret(desk: Identity, gateway: VerifyingGateway) -> None:
    holder = desk.with_mandate(gateway.mandate(desk))
    auth = holder.httpx_auth()
    with httpx.Client(auth=auth) as client:
        ask(client, gateway)
    shown = f"{holder!r} {auth!r} {auth.__dict__!r} {holder._wits.newest!r} {holder._take()!r}"
    signer = auth._signer  # type: ignore[attr-defined]
    shown += repr(signer._talking.__dict__)
    seen = gateway.seen[-1]
    secrets = [seen["workload-identity-token"], seen["holdfast-mandate"]]
    secrets.append(signer._talking._session.secret.hex())
    assert [secret for secret in secrets if secret in shown] == []
    assert repr(signer._talking._session.secret) not in shown
    assert agent("desk") in repr(holder)
