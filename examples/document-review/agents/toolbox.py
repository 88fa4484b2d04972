"""Tools of MCP servers, reached through Holdfast with the official SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError


class RefusedError(Exception):
    """The call was refused; ``code`` says by which rule of Holdfast, ``call`` finds the record."""

    def __init__(self, what: str, *, code: str = "", call: str = "", **_more: Any) -> None:
        super().__init__(what)
        self.what = what
        self.code = code
        self.call = call


class Toolbox:
    """The tools that one caller may use, for code that is not asynchronous."""

    def __init__(self, client: Client, portal: BlockingPortal) -> None:
        self._client = client
        self._portal = portal

    def names(self) -> list[str]:
        """What the caller is shown: declared, permitted, and approved by a person."""
        return [tool.name for tool in self._portal.call(self._client.list_tools).tools]

    def call(self, name: str, **arguments: Any) -> Any:
        """A tool's answer. Raises ``RefusedError`` where Holdfast says no."""
        try:
            result = self._portal.call(partial(self._client.call_tool, name, arguments))
        except MCPError as error:
            raise RefusedError(error.error.message, **(error.error.data or {})) from error
        if result.is_error or result.structured_content is None:
            raise RuntimeError(f"{name} failed: {result.content}")
        return result.structured_content["result"]


@contextmanager
def opened(connect: Callable[[], httpx2.AsyncClient], *, gateway: str) -> Iterator[Toolbox]:
    """Tools for as long as they are needed. ``connect`` makes the HTTP client, which shows who calls."""
    stack = ExitStack()
    try:
        portal = stack.enter_context(start_blocking_portal())
        http = stack.enter_context(portal.wrap_async_context_manager(connect()))
        transport = streamable_http_client(f"{gateway}/mcp", http_client=http)
        client = stack.enter_context(portal.wrap_async_context_manager(Client(transport)))
        yield Toolbox(client, portal)
    finally:
        stack.close()  # told of no error, the client's task groups do not wrap it
