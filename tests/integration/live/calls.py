"""Calls in plain HTTP, for tests that look at bytes rather than through a client."""

import asyncio
import contextlib
import http.client
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

CALL_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def call(self) -> str:
        return self.headers["x-request-id"]

    @property
    def rule(self) -> str | None:
        """Why it is an error; None when it is none."""
        error = json.loads(self.body).get("error")
        return error["code"] if error is not None else None

    @property
    def closes(self) -> bool:
        """Whether it ends its connection."""
        return self.headers.get("connection") == "close"

    def json(self) -> Any:
        return json.loads(self.body)


def chat_body(text: str = "Hello", *, model: str = "reviewer", **more: Any) -> bytes:
    """A chat request; ``scripted=...`` tells the upstream how to answer."""
    messages = [{"role": "user", "content": text}]
    return json.dumps({"model": model, "messages": messages, **more}).encode()


def post(
    url: str,
    body: bytes,
    *,
    key: str | None,
    path: str = "/v1/chat/completions",
    headers: dict[str, str] | None = None,
) -> Answer:
    """POST and read the whole answer."""
    fields = {"content-type": "application/json", **(headers or {})}
    if key is not None:
        fields["authorization"] = f"Bearer {key}"
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=CALL_S)
    try:
        connection.request("POST", path, body, fields)
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(status=answer.status, headers=names, body=answer.read())
    finally:
        connection.close()


class KeptConnection:
    """One connection, asked again and again; all its calls go to one worker."""

    def __init__(self, url: str, key: str) -> None:
        at = urlsplit(url)
        self._connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=CALL_S)
        self._key = key

    def ask(self, *, model: str = "reviewer", **more: Any) -> Answer:
        """One chat call; a connection that the last answer closed is made anew."""
        fields = {"content-type": "application/json", "authorization": f"Bearer {self._key}"}
        body = chat_body(model=model, **more)
        self._connection.request("POST", "/v1/chat/completions", body, fields)
        answer = self._connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(status=answer.status, headers=names, body=answer.read())

    def close(self) -> None:
        self._connection.close()


def chat(url: str, key: str | None, text: str = "Hello", **more: Any) -> Answer:
    """One chat call."""
    return post(url, chat_body(text, **more), key=key)


def raw_exchange(url: str, *pieces: bytes, deadline_s: float = CALL_S) -> bytes:
    """Send bytes, read to the end of the connection."""
    at = urlsplit(url)
    received = b""
    with socket.create_connection((at.hostname, at.port), timeout=deadline_s) as sock:
        try:
            for piece in pieces:
                sock.sendall(piece)
            while data := sock.recv(65536):
                received += data
        except ConnectionError:
            return received
    return received


def _request(url: str, body: bytes, key: str) -> bytes:
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\n"
        f"host: {urlsplit(url).netloc}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and header fields of an answer."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.partition(": ") for line in lines[1:] if line)
    fields = {name.lower(): value for name, _, value in pairs}
    return int(lines[0].split()[1]), fields


@dataclass(slots=True)
class Events:
    """A streamed answer being read; leaving the ``async with`` closes its connection."""

    status: int
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ended: bool = False

    @property
    def call(self) -> str:
        return self.headers["x-request-id"]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await _cut(self.writer)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The chunks of the answer (RFC 9112 section 7.1), to the last."""
        assert "chunked" in self.headers.get("transfer-encoding", ""), f"no stream: {self.status}"
        while True:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            data = await self.reader.readexactly(size + 2)
            if size == 0:
                self.ended = True
                return
            yield data[:-2]

    async def rest(self) -> bytes:
        """All that is still to come."""
        return b"".join([piece async for piece in self.pieces()])


async def open_stream(url: str, body: bytes, key: str, *, buffer_bytes: int = 65536) -> Events:
    """Send a call and read the head of its answer.

    A small ``buffer_bytes`` makes a reader that does not read felt soon.
    """
    at = urlsplit(url)
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    await asyncio.get_running_loop().sock_connect(sock, (at.hostname or "", at.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=buffer_bytes)
    writer.write(_request(url, body, key))
    try:
        status, headers = await read_head(reader)
    except BaseException:
        await _cut(writer)
        raise
    return Events(status, headers, reader, writer)


async def _cut(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
