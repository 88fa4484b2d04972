"""The stdio transport's framing and matching, without any process: bytes in, answers out.

One JSON-RPC message a line, all on one channel; answers are found by the ids that we gave, so two
clients' ids never meet. Source: MCP 2026-07-28, stdio.
"""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from holdfast.core import JsonObject
from holdfast.providers.mcp.errors import METHOD_NOT_FOUND, McpError, RequestId
from holdfast.providers.mcp.messages import (
    MESSAGE_BYTES_MAX,
    McpAnswer,
    McpNotification,
    McpRequest,
    read_message,
)
from holdfast.providers.mcp.revisions import Revision
from holdfast.providers.mcp.writing import write_cancelled, write_error, write_result

LINE_BYTES_MAX = MESSAGE_BYTES_MAX
IN_FLIGHT_MAX = 1024
NOISE_MAX = 16
"""Lines that are no messages; a server that writes more is not one of MCP's."""


class Answered(msgspec.Struct, frozen=True):
    """An answer to the request with our number ``number``."""

    number: int
    answer: McpAnswer


class Progressed(msgspec.Struct, frozen=True):
    """A notification that belongs to the request with our number ``number`` (by progress token),
    or to none (None): list changes, log messages, resource updates."""

    number: int | None
    note: McpNotification


class Reply(msgspec.Struct, frozen=True):
    """Bytes that must be written back: the server asked us something, which it may not, or
    pinged."""

    data: bytes


StdioEvent: TypeAlias = Answered | Progressed | Reply


class StdioExchange:
    """One program's conversation. Numbers are ours: give each request ``next_number`` as its id and
    progress token, write it as ``line(message)``, and ``feed`` what the program writes."""

    __slots__ = ("_in_flight", "_last", "_noise", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._in_flight: set[int] = set()
        self._last = 0
        self._noise = 0

    def next_number(self) -> int:
        """An id for a request, counted as under way; ``McpError`` when too many are."""
        if len(self._in_flight) >= IN_FLIGHT_MAX:
            raise McpError(f"{IN_FLIGHT_MAX} requests to the program are under way")
        self._last += 1
        self._in_flight.add(self._last)
        return self._last

    @property
    def in_flight(self) -> frozenset[int]:
        return frozenset(self._in_flight)

    def cancel(self, number: int, reason: str = "") -> bytes:
        """The line that takes a request back; its answer, should one come, is dropped. Empty when
        it was answered already."""
        if number not in self._in_flight:
            return b""
        self._in_flight.discard(number)
        return line(write_cancelled(number, reason))

    def feed(self, data: bytes) -> Iterator[StdioEvent]:
        """What whole lines so far say. ``McpError`` when the program does not speak MCP: a line
        without end, or too many that are no messages; end it then."""
        self._rest += data
        if len(self._rest) > LINE_BYTES_MAX and b"\n" not in self._rest:
            raise McpError(f"the program wrote a line of more than {LINE_BYTES_MAX} bytes")
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        for each in lines:
            text = bytes(each).strip()
            event = self._read(text) if text else None
            if event is not None:
                yield event

    def _read(self, text: bytes) -> StdioEvent | None:
        try:
            message = read_message(text, bytes_max=LINE_BYTES_MAX)
        except McpError as error:
            self._noise += 1
            if self._noise > NOISE_MAX:
                raise McpError(
                    f"the program writes lines that are no messages: {error.what}",
                    fix="it must write its logs to its error output",
                ) from error
            return None
        match message:
            case McpAnswer():
                return self._answered(message)
            case McpNotification():
                return Progressed(self._belongs(message), message)
            case McpRequest():
                return Reply(line(_reply(message)))

    def _answered(self, answer: McpAnswer) -> Answered | None:
        number = answer.id
        if not isinstance(number, int) or number not in self._in_flight:
            return None  # one that was taken back, or one that nobody asked for
        self._in_flight.discard(number)
        return Answered(number, answer)

    def _belongs(self, note: McpNotification) -> int | None:
        token: object = note.params.get("progressToken", note.meta.subscription)
        return token if isinstance(token, int) and token in self._in_flight else None


def line(message: bytes) -> bytes:
    """A message as one line."""
    assert b"\n" not in message
    return message + b"\n"


def _reply(request: McpRequest) -> bytes:
    """2025-11-25 lets servers ping; all else that they may ask we never said we could."""
    if request.method == "ping":
        empty: JsonObject = {}
        return write_result(request.id, empty, revision=Revision.V2025_11_25)
    identity: RequestId = request.id
    return write_error(identity, METHOD_NOT_FOUND, "Holdfast answers no requests of servers")
