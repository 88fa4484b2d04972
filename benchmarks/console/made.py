"""Calls as a busy system makes them: thirty pairs, of which few are busy, over thirty days."""

import random
from collections.abc import Iterator

from holdfast.audit import RECORD_VERSION, CallRecord
from holdfast.blueprint import Blueprint, load
from holdfast.core import Instant, ulid

DAYS = 30
DAY_US = 86_400_000_000
AGENTS, MODELS, SERVERS, PAIRS = 10, 7, 5, 30
SPIFFE = "spiffe://holdfast.local/t/default/agent/"
SESSIONS_AT_ONCE = 64
CALLS_OF_A_SESSION = 25
DIGEST = "hmac-sha256:%064x"


def pairs() -> list[tuple[str, str, str]]:
    """Caller, callee and relationship, the busiest first."""
    return [
        (
            f"agent-{n % AGENTS}",
            f"model-{n % MODELS}" if n % 3 else f"tools-{n % SERVERS}",
            f"relationship-{n}",
        )
        for n in range(PAIRS)
    ]


def blueprint() -> Blueprint:
    """That declares them."""
    lines = ["holdfast: 1", "name: busy", "description: Agents that ask.", "nodes:"]
    lines += [f"  agent-{n}: {{type: 'ai:agent', description: Asks.}}" for n in range(AGENTS)]
    for n in range(MODELS):
        url = f"http://127.0.0.1:{9000 + n}/v1"
        lines.append(
            f"  model-{n}: {{type: 'ai:llm', description: Answers., "
            f"controls: {{upstream: {{url: '{url}', model: m}}}}}}"
        )
    for n in range(SERVERS):
        lines.append(f"  tools-{n}: {{type: 'ai:tool', description: Acts.}}")
    lines.append("relationships:")
    for caller, callee, name in pairs():
        lines.append(f"  - {{id: {name}, connects: [{caller}, {callee}], description: Calls.}}")
    return load("\n".join(lines), source="busy.yaml", read=str)


def records(count: int, *, until: int, seed: int = 1) -> Iterator[CallRecord]:
    """In the order in which they begin, evenly over the days."""
    draw = random.Random(seed)
    known = pairs()
    step = DAYS * DAY_US // count
    sessions = [f"talk-{n}" for n in range(SESSIONS_AT_ONCE)]
    for number in range(count):
        at = until - DAYS * DAY_US + number * step + draw.randrange(step)
        pair = known[min(int(draw.paretovariate(0.6)) - 1, PAIRS - 1)]
        place = draw.randrange(SESSIONS_AT_ONCE)
        if not draw.randrange(CALLS_OF_A_SESSION):
            sessions[place] = f"talk-{number}"
        yield _record(at, pair, sessions[place], draw=draw)


def _record(
    at: int, pair: tuple[str, str, str], session: str, *, draw: random.Random
) -> CallRecord:
    caller, callee, relationship = pair
    tool = f"tool-{draw.randrange(6)}" if callee.startswith("tools") else None
    outcome, rule, status = _ending(draw.random())
    took = int(draw.lognormvariate(13, 1))
    streams = outcome == "answered" and tool is None and draw.random() < 0.5
    how = draw.random()  # six in ten name a conversation; three in ten bring a trace
    trace = f"00-{draw.getrandbits(128) | 1:032x}-{draw.getrandbits(64) | 1:016x}-01"
    return CallRecord(
        action="chat" if tool is None else "tool.call",
        answer=DIGEST % draw.getrandbits(256),
        at=at,
        attempts=0 if outcome == "refused" else 1,
        blueprint="sha256:" + "b" * 64,
        bundle="sha256:" + "c" * 64,
        call=ulid(Instant(at), draw.randbytes(10)),
        cost=draw.randrange(10**7) if outcome == "answered" else None,
        credential="01J0000000000000000000000A",
        decision="refuse" if outcome == "refused" else "allow",
        duration_us=took,
        event="closed" if streams else "call",
        node=callee if outcome == "answered" else None,
        outcome=outcome,
        policies=(relationship,),
        principal=SPIFFE + caller,
        prompt=DIGEST % draw.randrange(10_000),
        relationship=None if rule == "relationship.undeclared" else relationship,
        resource=callee,
        rule=rule,
        session=session if how < 0.6 else None,
        stages_us=(11, 16, 25, 27, 42, took // 5, took),
        status=status,
        tenant="default",
        tokens_in=draw.randrange(2_000) if tool is None else None,
        tokens_out=draw.randrange(800) if streams else None,
        tool=tool,
        trace=trace if 0.5 < how < 0.8 else None,
        upstream="127.0.0.1:9000",
        v=RECORD_VERSION,
        worker=at % 2,
    )


def _ending(chance: float) -> tuple[str, str | None, int]:
    if chance < 0.02:
        return "failed", "upstream.timeout", 504
    if chance < 0.04:
        return "refused", "relationship.undeclared", 403
    if chance < 0.05:
        return "refused", "budget.exhausted", 429
    if chance < 0.055:
        return "cancelled", "call.cancelled", 499
    return "answered", None, 200
