"""Credentials for clients of ``httpx2``, which the newer OpenAI and MCP libraries want."""

import ssl
from collections.abc import AsyncGenerator, Generator

import httpx2

from holdfast.client.flows import (
    ANSWER_S,
    CONNECT_S,
    Signer,
    converse,
    converse_async,
    take_off,
)
from holdfast.client.talking import Step


class Httpx2Auth(httpx2.Auth):
    """Attaches an identity, its mandate and a proof to each request for its gateway, to no other."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def sync_auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        return converse(self._signer, request, _post)

    def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        return converse_async(self._signer, request, _post)

    def __repr__(self) -> str:
        return f"Httpx2Auth({self._signer.origin})"


def make_client(
    signer: Signer, *, base_url: str, tls: ssl.SSLContext | None, timeout_s: float | None
) -> httpx2.Client:
    """A client whose requests go out with credentials, and without them to other origins."""

    def look(request: httpx2.Request) -> None:  # at each request, those of redirects too
        if not signer.is_ours(request):
            take_off(request)

    return httpx2.Client(
        auth=Httpx2Auth(signer),
        base_url=base_url,
        verify=True if tls is None else tls,
        timeout=_timeout(timeout_s),
        event_hooks={"request": [look]},
    )


def make_async_client(
    signer: Signer, *, base_url: str, tls: ssl.SSLContext | None, timeout_s: float | None
) -> httpx2.AsyncClient:
    """The same for tasks."""

    async def look(request: httpx2.Request) -> None:
        if not signer.is_ours(request):
            take_off(request)

    return httpx2.AsyncClient(
        auth=Httpx2Auth(signer),
        base_url=base_url,
        verify=True if tls is None else tls,
        timeout=_timeout(timeout_s),
        event_hooks={"request": [look]},
    )


def _timeout(timeout_s: float | None) -> httpx2.Timeout:
    return httpx2.Timeout(ANSWER_S if timeout_s is None else timeout_s, connect=CONNECT_S)


def _post(origin: str, step: Step, asked: httpx2.Request) -> httpx2.Request:
    """A request of ours, with the deadlines of the developer's."""
    return httpx2.Request(
        "POST",
        f"{origin}{step.path}",
        headers=step.headers,
        content=step.body,
        extensions=asked.extensions,
    )
