"""The calls of a run: who asks what, when, and how it behaves while it waits."""

import math
from collections.abc import Iterator
from random import Random
from typing import Final, Literal, TypeAlias

import msgspec

from holdfast.testing.scripts import Script, Trouble
from holdfast.testing.setup import CALLERS, MODELS, Setup

KeyKind: TypeAlias = Literal["own", "old", "none", "unknown", "mangled"]
"""Its own key; one that is revoked in mid-run; none; one nobody issued; its own with a flaw."""
Leaving: TypeAlias = Literal["reset", "close", "half"]

QUESTIONS: Final = 4
QUESTION_BASE: Final = 1_000_000
"""Numbers of questions that many ask begin here."""
PROBE_BASE: Final = 2_000_000
"""Numbers of probes begin here."""
PADDINGS: Final = (10, 200, 3000, 20_000)
HOUR_SHARES: Final = (
    2, 1, 1, 1, 1, 2, 4, 7, 11, 14, 15, 14, 11, 13, 15, 14, 12, 9, 7, 6, 5, 4, 3, 2,
)  # fmt: skip
"""Calls by hour of a working day, in proportion."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One call from the caller's side. ``patience_s``: it leaves when that passes first."""

    number: int
    at_s: float
    caller: str
    key: KeyKind
    model: str
    tools: bool
    max_tokens: int | None
    padding: int
    script: Script
    patience_s: float
    leaving: Leaving
    reads_after_s: float
    """How long it does not read after the first bytes of its answer."""
    timeout_ms: int | None
    """The deadline that it tells the gateway."""
    session: str | None
    asks_usage: bool
    """Whether it asks what its stream cost."""

    @property
    def is_stream(self) -> bool:
        return self.script.kind == "stream"

    @property
    def trace(self) -> str | None:
        """The trace that it is part of, if its caller says so."""
        return f"{self.number + 1:032x}" if self.number % 3 == 0 else None

    def context(self) -> list[str]:
        """The header lines of its trace: valid ones, malformed ones, none."""
        match self.number % 3:
            case 0:
                sent = f"00-{self.trace}-{self.number + 1:016x}-01"
                return [f"traceparent: {sent}", "tracestate: sim=1"]
            case 1:
                return [f"traceparent: 00-{'0' * 32}-{self.number:016x}-01", "tracestate: sim=1"]
            case _:
                return []

    def body(self) -> bytes:
        """The request's body."""
        fields: dict[str, object] = {
            "model": self.model,
            "stream": self.is_stream,
            "messages": [
                {"role": "system", "content": "." * self.padding},
                {"role": "user", "content": msgspec.json.encode(self.script).decode()},
            ],
        }
        if self.asks_usage and self.is_stream:
            fields["stream_options"] = {"include_usage": True}
        if self.tools:
            fields["tools"] = [{"type": "function", "function": {"name": "look_up"}}]
        if self.max_tokens is not None:
            fields["max_tokens"] = self.max_tokens
        return msgspec.json.encode(fields)


def draw_orders(
    seed: int, *, calls: int, span_s: float, setup: Setup, day: bool
) -> Iterator[Order]:
    """Drawn call by call, so that fewer calls are the first of more."""
    for number in range(calls):
        draw = Random(f"order {seed} {number}")  # noqa: S311 - replayable by intent
        at_s = span_s * (_hour_curve(draw) if day else draw.random())
        yield _draw_order(draw, number, at_s, setup)


def _hour_curve(draw: Random) -> float:
    """A moment of the day as a share of it."""
    hour = draw.choices(range(len(HOUR_SHARES)), HOUR_SHARES)[0]
    return (hour + draw.random()) / len(HOUR_SHARES)


def _draw_order(draw: Random, number: int, at_s: float, setup: Setup) -> Order:
    is_odd = draw.random() < setup.odd_share
    caller = draw.choice(CALLERS)
    allowed = [pair.callee for pair in setup.pairs if pair.caller == caller]
    model = draw.choice(MODELS) if is_odd or not allowed else draw.choice(allowed)
    if draw.random() < setup.focus_share:
        caller, model = draw.choice(("desk", "clerk")), "reviewer"
    is_repeated = draw.random() < setup.repeated_share
    if is_repeated:
        question = draw.randrange(QUESTIONS)
        same = Random(f"question {question} {setup.places}")  # noqa: S311 - replayable by intent
        script = msgspec.structs.replace(
            _draw_script(same, QUESTION_BASE + question, setup), trouble=None, times=0
        )
    else:
        script = _draw_script(draw, number, setup)
    return Order(
        number=number,
        at_s=at_s,
        caller=caller,
        key=draw.choice(("own", "old", "old", "none", "unknown", "mangled")) if is_odd else "own",
        model=model if not is_odd or draw.random() < 0.9 else "nobody",
        tools=is_odd and draw.random() < 0.4,
        max_tokens=None if is_repeated or draw.random() < 0.7 else draw.choice((10, 100, 1000)),
        padding=0 if is_repeated or draw.random() < 0.8 else draw.choice(PADDINGS),
        script=script,
        patience_s=setup.patience_s
        if draw.random() >= setup.leaving_share
        else draw.uniform(0.0, 1.5),
        leaving=draw.choice(("reset", "close", "half")),
        reads_after_s=draw.uniform(0.1, 1.0) if draw.random() < setup.slow_share else 0.0,
        timeout_ms=draw.choice((300, 1000, 5000)) if draw.random() < setup.deadline_share else None,
        session=draw.choice(("ann", "bob", "cy")) if draw.random() < 0.3 else None,
        asks_usage=not is_repeated and draw.random() < 0.5,
    )


def _draw_script(draw: Random, number: int, setup: Setup) -> Script:
    trouble: Trouble | None = None
    times = 0
    if draw.random() < setup.trouble_share:
        trouble = draw.choice(setup.troubles)
        times = draw.choice((1, 1, 2, 99))
    pauses = (0.0, 0.005) if setup.is_brisk else (0.0, 0.005, 0.05, 0.3)
    is_large = draw.random() < setup.large_share
    return Script(
        number=number,
        kind=draw.choice(("plain", "stream")),
        pieces=draw.randrange(20, 60) if is_large else draw.randrange(1, 12),
        pause_s=0.0 if is_large else draw.choice(pauses),
        first_s=min(0.05 if setup.is_brisk else 2.0, setup.work_s * -math.log(1.0 - draw.random())),
        size=draw.choice((2_000, 6_000)) if is_large else draw.choice((0, 10, 100)),
        trouble=trouble,
        times=times,
    )


def probe(number: int, caller: str, model: str, setup: Setup) -> Order:
    """A small call that nothing but trouble can keep from being answered."""
    return Order(
        number=number,
        at_s=0.0,
        caller=caller,
        key="own",
        model=model,
        tools=False,
        max_tokens=5,
        padding=0,
        script=Script(number=number, kind="stream" if number % 2 else "plain", pieces=3),
        patience_s=setup.patience_s,
        leaving="close",
        reads_after_s=0.0,
        timeout_ms=None,
        session=None,
        asks_usage=False,
    )
