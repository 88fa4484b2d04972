"""Programs as MCP servers: started when needed, asked over one channel, each principal apart."""

import asyncio

import msgspec
import pytest

from holdfast.gateway.lines.asking import Ask
from holdfast.gateway.lines.line import Line
from holdfast.gateway.lines.programs import Start, StdioRoad
from holdfast.world.sim import SimClock, SimPrograms, simulate

NEW, OLD = "2026-07-28", "2025-11-25"


class Script:
    """A server that answers a call with its arguments, ``late`` ones never, ``die`` by nothing."""

    def __init__(self, revision, log):
        self.revision = revision
        self.log = log
        log.append(self)
        self.heard = []

    def take(self, data):
        return b"".join(self._line(line) for line in data.split(b"\n") if line)

    def _line(self, line):
        message = msgspec.json.decode(line)
        self.heard.append(message)
        method = message["method"]
        if "id" not in message:
            return b""
        if method == "server/discover" and self.revision == OLD:
            return self._say({"id": message["id"], "error": {"code": -32601, "message": "no"}})
        if method == "server/discover":
            return self._say({"id": message["id"], "result": {"supportedVersions": [NEW]}})
        if method == "initialize":
            return self._say({"id": message["id"], "result": {"protocolVersion": OLD}})
        arguments = message["params"].get("arguments", {})
        if "late" in arguments:
            return self._say(
                {
                    "method": "notifications/progress",
                    "params": {"progressToken": message["id"], "progress": 1},
                }
            ) + self._say({"method": "notifications/tools/list_changed"})
        result = {"content": [{"type": "text", "text": str(arguments)}]}
        return self._say({"id": message["id"], "result": result})

    @staticmethod
    def _say(message):
        return msgspec.json.encode({"jsonrpc": "2.0", **message}) + b"\n"


class Heard:
    def __init__(self):
        self.messages = []
        self.failure = None
        self.over = asyncio.get_running_loop().create_future()

    def on_head(self, head):
        self.status = head.status

    def on_body(self, data):
        self.messages.append(msgspec.json.decode(data))

    def on_end(self):
        self.over.set_result(None)

    def on_failure(self, error):
        self.failure = error.code
        self.over.set_result(None)


def run(scenario, *, revision=NEW, command="server"):
    """``scenario(line, programs, scripts)``."""

    async def main(loop):
        scripts = []
        programs = SimPrograms({"server": lambda _command, _env: Script(revision, scripts)})
        start = Start((command,), {}, None, 5.0)
        async with asyncio.TaskGroup() as group:
            spawn, clock = group.create_task, SimClock(loop)
            line = Line(StdioRoad(programs, start, spawn=spawn, clock=clock), spawn=spawn)
            try:
                return await scenario(line, programs, scripts)
            finally:
                line.close()

    return simulate(1, main)


def call(line, principal="one", *, progress=False, **arguments):
    heard = Heard()
    params = {"name": "look", "arguments": arguments}
    ask = Ask(method="tools/call", params=params, principal=principal, progress=progress)
    heard.hold = line.send(ask, heard)
    return heard


async def whole(heard, within_s=20):
    async with asyncio.timeout(within_s):
        await heard.over
    return heard


@pytest.mark.parametrize("revision", [NEW, OLD])
def test_many_requests_share_a_channel_and_no_answer_crosses(revision):
    async def scenario(line, programs, scripts):
        heards = [call(line, n=n) for n in range(50)]
        return [(await whole(h)).messages[-1]["result"]["content"][0]["text"] for h in heards]

    assert run(scenario, revision=revision) == [str({"n": n}) for n in range(50)]


@pytest.mark.parametrize(("revision", "programs_needed"), [(NEW, 1), (OLD, 3)])
def test_a_program_that_keeps_state_is_one_principal_s(revision, programs_needed):
    """The first was asked for its revision on nobody's behalf."""

    async def scenario(line, programs, scripts):
        for principal in ("one", "two", "one"):
            await whole(call(line, principal, who=principal))
        return scripts

    scripts = run(scenario, revision=revision)
    assert len(scripts) == programs_needed
    if revision == OLD:
        calls = [
            {m["params"]["arguments"]["who"] for m in s.heard if m["method"] == "tools/call"}
            for s in scripts
        ]
        assert calls == [set(), {"one"}, {"two"}]


def test_a_program_is_told_when_nobody_waits_any_more():
    async def scenario(line, programs, scripts):
        heard = call(line, late=1)
        await asyncio.sleep(1)
        heard.hold.cancel()
        await asyncio.sleep(1)
        return scripts[0].heard, (await whole(call(line, n=1))).messages

    said, after = run(scenario)
    number = next(m["id"] for m in said if m["method"] == "tools/call")
    cancels = [m["params"]["requestId"] for m in said if m["method"] == "notifications/cancelled"]
    assert cancels == [number]
    assert after[-1]["result"]


def test_progress_and_changes_are_heard_by_whom_they_are_for():
    async def scenario(line, programs, scripts):
        changes = []
        line.on_change = changes.append
        heard, other = call(line, late=1, progress=True), call(line, late=1)
        await asyncio.sleep(1)
        for each in (heard, other):
            each.hold.cancel()
        return heard.messages, other.messages, changes

    mine, others, changes = run(scenario)
    assert [m["params"]["progress"] for m in mine] == [1]
    assert others == []
    assert changes == ["notifications/tools/list_changed"] * 2


def test_a_program_that_ends_fails_what_it_was_asked_and_is_started_again():
    async def scenario(line, programs, scripts):
        heard = call(line, late=1)
        await asyncio.sleep(2)
        programs.running[-1].crash(1)
        first = await whole(heard)
        await asyncio.sleep(2)
        return first.failure, (await whole(call(line, n=1))).messages, len(scripts)

    failure, messages, started = run(scenario)
    assert (failure, started) == ("wire.reset", 2)
    assert messages[-1]["result"]


def test_a_program_that_ends_at_once_is_not_started_by_every_call():
    async def scenario(line, programs, scripts):
        await whole(call(line, n=1))
        programs.running[-1].crash(1)
        await asyncio.sleep(1.5)
        await whole(call(line, n=1))
        programs.running[-1].crash(1)
        await asyncio.sleep(0.1)
        failures = [(await whole(call(line, n=1))).failure for _ in range(5)]
        return failures, len(scripts)

    failures, started = run(scenario)
    assert (set(failures), started) == ({"wire.connect"}, 2)


def test_a_program_that_is_not_there_was_never_asked():
    async def scenario(line, programs, scripts):
        return (await whole(call(line, n=1))).failure

    assert run(scenario, command="missing") == "wire.connect"


def test_a_line_that_closes_ends_its_programs():
    async def scenario(line, programs, scripts):
        for principal in ("one", "two"):
            await whole(call(line, principal, n=1))
        line.close()
        await asyncio.sleep(10)
        return [program.has_ended for program in programs.running]

    assert run(scenario, revision=OLD) == [True] * 3
