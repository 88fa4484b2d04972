"""A witness over HTTP: C2SP tlog-witness on the wire's own server.

``POST /add-checkpoint`` for logs, ``GET /<origin hash>/checkpoint`` for those who watch them. One
request at a time reaches the store, in a thread, so that nothing blocks the loop; those that wait are
bounded.
"""

import asyncio
import re
from collections.abc import Callable

from holdfast.audit import Answer, Witness
from holdfast.core import HoldfastError
from holdfast.wire import Exchange, Request, Spawn, WireLimits

WAITING_MAX = 64
"""Requests that may wait for the store; further ones are told to come again (503)."""
REQUEST_BYTES_MAX = 64 * 1024

LIMITS = WireLimits(body_bytes=REQUEST_BYTES_MAX, connections=256)

_MONITOR = re.compile(rb"/([0-9a-f]{64})/checkpoint\Z")
_TEXT = "text/plain; charset=utf-8"


class WitnessService:
    """A ``wire.Handler``. ``tell`` hears of what the witness answered, for the operator's log."""

    def __init__(self, witness: Witness, *, spawn: Spawn, tell: Callable[[str, int], None]) -> None:
        self._witness = witness
        self._spawn = spawn
        self._tell = tell
        self._turn = asyncio.Lock()
        self._waiting = 0

    def handle(self, request: Request, exchange: Exchange) -> None:
        monitor = _MONITOR.match(request.target)
        if request.target == b"/add-checkpoint" and request.method == b"POST":
            body = request.body
            self._begin(exchange, "add-checkpoint", lambda: self._witness.add_checkpoint(body))
        elif monitor is not None and request.method == b"GET":
            named = monitor[1].decode()
            self._begin(exchange, "checkpoint", lambda: self._monitored(named))
        else:
            _send(exchange, _said(404, "POST /add-checkpoint, GET /<origin hash>/checkpoint"))

    def _begin(self, exchange: Exchange, what: str, work: Callable[[], Answer]) -> None:
        if self._waiting >= WAITING_MAX:
            _send(exchange, _said(503, "too many requests wait"))
            return
        self._waiting += 1
        self._spawn(self._answer(exchange, what, work))

    async def _answer(self, exchange: Exchange, what: str, work: Callable[[], Answer]) -> None:
        try:
            async with self._turn:
                answer = await asyncio.to_thread(work)
        except HoldfastError:
            # Nothing was signed: whatever could not be made durable did not leave.
            answer = _said(500, "the witness cannot keep its state")
        finally:
            self._waiting -= 1
        self._tell(what, answer.status)
        _send(exchange, answer)

    def _monitored(self, origin_hash: str) -> Answer:
        note = self._witness.checkpoint(origin_hash)
        if note is None:
            return _said(404, "no checkpoint of such a log was cosigned")
        return Answer(status=200, content_type=_TEXT, body=note)


def _said(status: int, why: str) -> Answer:
    return Answer(status=status, content_type=_TEXT, body=why.encode() + b"\n")


def _send(exchange: Exchange, answer: Answer) -> None:
    headers = ((b"content-type", answer.content_type.encode("ascii")),)
    exchange.respond(answer.status, headers, answer.body)
