"""Streamable HTTP: how messages become requests to one endpoint."""

from collections.abc import Callable
from typing import Final

from holdfast.gateway.lines.asking import Ask
from holdfast.gateway.lines.line import Pool, Session
from holdfast.providers.mcp import Revision, encode_header, upstream_headers
from holdfast.wire import ResponseHead, WireError

_OUTSIDE: Final = "notifications"


class HttpRoad:
    """``head`` holds the fields that are the same in every request."""

    __slots__ = ("_head", "_last", "_path", "_pool", "is_told_of_cancels")

    def __init__(self, pool: Pool, *, path: bytes, head: bytes) -> None:
        self._pool = pool
        self._last = 0
        self.is_told_of_cancels = True
        self._path = path or b"/"
        self._head = head

    def pool(self, on_change: Callable[[str], None]) -> Pool:
        """HTTP keeps sessions apart by their ids; what changed is said where one listens."""
        del on_change
        return self._pool

    def number(self, pool: Pool) -> int:
        """One count for all."""
        del pool
        self._last += 1
        return self._last

    def frame(
        self, message: bytes, ask: Ask | None, revision: Revision, session: bytes | None
    ) -> bytes:
        """A POST."""
        fields = upstream_headers(
            _OUTSIDE if ask is None else ask.method,
            {} if ask is None else ask.params,
            revision=revision,
            session=session,
            repeated=() if ask is None else ask.repeated,
        )
        if ask is not None and ask.call is not None:
            fields.append((b"x-request-id", ask.call.encode("ascii")))
        if ask is not None:
            fields += [(name.encode(), encode_header(value)) for name, value in ask.trace.items()]
        lines = b"".join([b"%b: %b\r\n" % field for field in fields])
        return b"POST %b HTTP/1.1\r\n%b\r\n%bcontent-length: %d\r\n\r\n%b" % (
            self._path,
            self._head,
            lines,
            len(message),
            message,
        )

    def leave(self, session: Session) -> None:
        """DELETE, without waiting for what comes of it."""
        if session.id is not None:
            self._pool.send(self._bare(b"DELETE", session), _Nobody())

    def listen(self, session: Session) -> bytes | None:
        """GET: the stream on which a server of 2025-11-25 says what changed."""
        return self._bare(b"GET", session)

    def _bare(self, method: bytes, session: Session) -> bytes:
        known = b"mcp-session-id: %b\r\n" % session.id if session.id else b""
        version = str(Revision.V2025_11_25).encode()
        return (
            b"%b %b HTTP/1.1\r\n%b\r\naccept: text/event-stream\r\nmcp-protocol-version: %b\r\n%b\r\n"
            % (method, self._path, self._head, version, known)
        )


class _Nobody:
    def on_head(self, head: ResponseHead) -> None: ...

    def on_body(self, data: bytes) -> None: ...

    def on_end(self) -> None: ...

    def on_failure(self, error: WireError) -> None: ...
