"""The load generator: an open loop. Calls come when their time has come, whatever became of others.

Arrivals are a Poisson process with a seed, so every target is asked at the same moments. A caller
waits ``deadline_s``, then goes away. No caller tries twice: what a gateway does not mend is lost.
Reads its plan as JSON from standard input; prints one JSON list a call.
"""

import asyncio
import json
import random
import sys
import time
from typing import Any

import httptools
import uvloop
from conversation import is_right, question

IDLE_S_MAX = 2.0
"""A connection idle for longer is not used again: the other side may be about to close it."""


class Call:
    """One call, from the moment it was due."""

    def __init__(self, number: int, due: float) -> None:
        self.number = number
        self.due = due
        self.first = 0.0
        self.ended = 0.0
        self.status = 0
        self.is_right = False
        self.why = ""

    def row(self, begin: float) -> list[Any]:
        first_s = self.first - self.due if self.first else None
        seconds = self.ended - self.due
        return [self.due - begin, self.is_right, self.status, seconds, first_s, self.why]


class Connection(asyncio.Protocol):
    """One connection to the target: one call at a time."""

    transport: asyncio.Transport

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.call: Call | None = None
        self.idle_since = 0.0
        self._begin()

    def _begin(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.body: list[bytes] = []
        self.keep_alive = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # pyright: ignore[reportAttributeAccessIssue]

    def send(self, call: Call, message: bytes) -> None:
        self.call = call
        self.transport.write(message)

    def give_up(self, why: str) -> None:
        call, self.call = self.call, None
        self.transport.abort()
        if call is not None:
            self.load.end(call, why)

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.forget(self)
        call, self.call = self.call, None
        if call is not None:
            self.load.end(call, "cut" if self.body else "connection lost")

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.give_up("not HTTP")

    def on_body(self, data: bytes) -> None:
        if self.call is not None and not self.call.first and b"data:" in data:
            self.call.first = time.monotonic()
        self.body.append(data)

    def on_message_complete(self) -> None:
        call, self.call = self.call, None
        body = b"".join(self.body)
        status = self.parser.get_status_code()
        keep_alive = self.parser.should_keep_alive()
        self._begin()
        if call is not None:
            call.status = status
            self.load.judge(call, body)
        if keep_alive and not self.transport.is_closing():
            self.idle_since = time.monotonic()
            self.load.idle.append(self)
        else:
            self.transport.close()


class Load:
    """All calls of a run."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.stream = plan["kind"] == "stream"
        self.idle: list[Connection] = []
        self.rows: list[list[Any]] = []
        self.ended = asyncio.Event()
        self.due = _arrivals(plan)
        self.sent = 0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        if self.due:
            loop.call_at(self.due[0], self._send_due)
            await self.ended.wait()

    def _send_due(self) -> None:
        """uvloop's clock is CLOCK_MONOTONIC too, but only to the millisecond."""
        loop = asyncio.get_running_loop()
        now = time.monotonic()
        while self.sent < len(self.due) and self.due[self.sent] <= now:
            call = Call(self.sent, self.due[self.sent])
            self.sent += 1
            self._start(call)
        if self.sent < len(self.due):
            loop.call_later(max(0.0, self.due[self.sent] - now), self._send_due)

    def _start(self, call: Call) -> None:
        loop = asyncio.get_running_loop()
        while self.idle:
            connection = self.idle.pop()
            if time.monotonic() - connection.idle_since < IDLE_S_MAX:
                self._ask(connection, call)
                return
            connection.transport.close()
        task = loop.create_task(self._connect(call))
        TASKS.add(task)
        task.add_done_callback(TASKS.discard)

    async def _connect(self, call: Call) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.plan["deadline_s"]):
                _, connection = await loop.create_connection(
                    lambda: Connection(self), "127.0.0.1", self.plan["port"]
                )
        except (OSError, TimeoutError) as error:
            self.end(call, f"no connection: {type(error).__name__}")
        else:
            self._ask(connection, call)

    def _ask(self, connection: Connection, call: Call) -> None:
        plan = self.plan
        body = question(call.number, model=plan["model"], stream=self.stream)
        head = plan["head"].replace("CONTENT_LENGTH", str(len(body)))
        connection.send(call, head.encode() + body)
        left_s = call.due + plan["deadline_s"] - time.monotonic()
        asyncio.get_running_loop().call_later(max(0.0, left_s), self._expire, connection, call)

    def _expire(self, connection: Connection, call: Call) -> None:
        if connection.call is call:
            connection.give_up("deadline")

    def judge(self, call: Call, body: bytes) -> None:
        if call.status != 200:
            self.end(call, f"status {call.status}: {body[:150].decode('utf-8', 'replace')}")
            return
        call.is_right = is_right(call.number, body, stream=self.stream)
        if not call.is_right and self.stream and b'"error"' in body:
            self.end(call, "error in the stream")
        else:
            self.end(call, "" if call.is_right else "a wrong or cut answer")

    def end(self, call: Call, why: str) -> None:
        call.ended, call.why = time.monotonic(), why
        self.rows.append(call.row(self.plan["begin"]))
        if len(self.rows) == len(self.due):
            self.ended.set()

    def forget(self, connection: Connection) -> None:
        if connection in self.idle:
            self.idle.remove(connection)


TASKS: set[asyncio.Task[None]] = set()


def _arrivals(plan: dict[str, Any]) -> list[float]:
    """When calls are due, on the monotonic clock: at the ``times`` told, in seconds from the
    beginning, or by chance over phases of ``[seconds, calls a second]``."""
    if "times" in plan:
        return [plan["begin"] + at for at in plan["times"]]
    chance = random.Random(plan["seed"])
    due: list[float] = []
    at = begin = plan["begin"]
    for seconds, rate in plan["phases"]:
        at, end = begin, begin + seconds
        while (at := at + chance.expovariate(rate)) < end:
            due.append(at)
        begin = end
    return due


async def _main() -> None:
    load = Load(json.loads(sys.stdin.read()))
    await load.run()
    for row in load.rows:
        print(json.dumps(row))


if __name__ == "__main__":
    uvloop.run(_main())
