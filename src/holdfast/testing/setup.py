"""The system that is simulated, as plain data drawn from the seed."""

from random import Random
from typing import Final, Literal, TypeAlias

import msgspec

from holdfast.testing.scripts import TROUBLES, Trouble

CALLERS: Final = ("desk", "till", "clerk")
MODELS: Final = ("reviewer", "counter")
ALWAYS: Final = (("desk", "reviewer"), ("till", "counter"), ("clerk", "reviewer"))
"""Declared in every system: nobody is there for nothing."""
REQUEST_BYTES: Final = 16_000

By: TypeAlias = Literal["least-loaded", "weighted", "session", "cheapest"]
Scope: TypeAlias = Literal["caller", "relationship", "tenant"]
Criticality: TypeAlias = Literal["critical", "standard", "sheddable"]
Per: TypeAlias = Literal["minute", "hour"]


class Pair(msgspec.Struct, frozen=True):
    """``caller`` may ask ``callee``, under these limits."""

    caller: str
    callee: str
    max_tokens: int | None = None
    request_bytes: int | None = None
    criticality: Criticality = "standard"

    @property
    def id(self) -> str:
        return f"{self.caller}-asks-{self.callee}"


class Place(msgspec.Struct, frozen=True):
    """One upstream: where it listens, which called node it answers for, what it calls its model."""

    port: int
    called: str
    member: str
    model: str
    priority: int = 0
    weight: int = 1

    @property
    def where(self) -> str:
        return f"127.0.0.1:{self.port}"


class Allowance(msgspec.Struct, frozen=True):
    """A budget: what may be spent on one account in one period."""

    account: str
    per: Per
    calls: int | None = None
    tokens: int | None = None
    money_micro: int | None = None


class Controls(msgspec.Struct, frozen=True, kw_only=True):
    """The controls of resilience, the same for both called nodes."""

    attempts: int
    share: float
    per_s_min: float
    backoff_s: float
    failures: int
    open_s: float
    calls_start: int
    calls_max: int
    queue: int
    queue_s: float
    by: By
    has_health: bool
    has_hedge: bool
    fallback: Literal["no", "before", "after"]
    """From the reviewer to the counter: not at all, before or also after the first token."""
    cache: Scope | None
    has_zones: bool
    allowances: tuple[Allowance, ...]
    bulkheads: tuple[tuple[str, int], ...]
    """Accounts and how many calls each may have in flight."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between the systems of two seeds. Shares are of calls."""

    pairs: tuple[Pair, ...]
    later: tuple[Pair, ...]
    """What is declared while the blueprint is changed by a ``reload``."""
    no_tools_for: str
    """A policy forbids this caller to use tools."""
    places: tuple[Place, ...]
    controls: Controls
    workers: int
    first_byte_s: float
    idle_s: float
    total_s: float
    slots: int
    work_s: float
    focus_share: float
    """Calls to the reviewer by those who may always ask it: some mechanisms need many of a kind."""
    odd_share: float
    """Calls that the law may refuse."""
    leaving_share: float
    slow_share: float
    deadline_share: float
    large_share: float
    repeated_share: float
    """Calls that ask one of a few questions that others ask too."""
    trouble_share: float
    troubles: tuple[Trouble, ...]
    is_brisk: bool
    """Answers come at once and whole: nothing but a fault can be in a call's way."""

    @property
    def patience_s(self) -> float:
        """Longer than any call may take."""
        return self.total_s * 3 + 30

    def places_of(self, called: str) -> list[Place]:
        """Who answers for a called node."""
        return [place for place in self.places if place.called == called]

    def place_at(self, where: str) -> Place:
        """Who listens at an address."""
        return next(place for place in self.places if place.where == where)

    def allowance(self, account: str) -> Allowance | None:
        """The budget of an account."""
        return next((a for a in self.controls.allowances if a.account == account), None)


def draw_setup(seed: int) -> Setup:
    """The same for the same seed."""
    draw = Random(f"setup {seed}")  # noqa: S311 - replayable by intent
    is_brisk = draw.random() < 0.3
    controls = _draw_controls(draw, is_brisk=is_brisk)
    # Going on after the first token needs streams that break off, and somewhere to go on.
    goes_on = controls.fallback == "after" and not is_brisk
    always = (*ALWAYS, ("clerk", "counter"), ("desk", "counter")) if goes_on else ALWAYS
    troubles: list[Trouble] = draw.sample(sorted(TROUBLES), draw.randrange(1, len(TROUBLES)))
    shares = (0.0, 0.1, 0.5)
    if goes_on or controls.has_hedge:
        shares = (0.1, 0.3)
        troubles += ("die",) if goes_on else ("dawdle", "dawdle")
    every = [_draw_pair(draw, a, b, controls) for a in CALLERS for b in MODELS]
    other = [_draw_pair(draw, a, b, controls) for a in CALLERS for b in MODELS]
    return Setup(
        pairs=tuple(p for p in every if (p.caller, p.callee) in always or draw.random() < 0.5),
        later=tuple(p for p in other if (p.caller, p.callee) in always or draw.random() < 0.5),
        no_tools_for=draw.choice(CALLERS),
        places=_draw_places(draw, has_hedge=controls.has_hedge),
        controls=controls,
        workers=draw.choice((1, 1, 2)),
        first_byte_s=draw.choice((1.0, 2.0)),
        idle_s=draw.choice((1.0, 2.0)),
        total_s=draw.choice((4.0, 6.0)),
        slots=64 if is_brisk else draw.choice((4, 16, 64)),
        work_s=draw.choice((0.0, 0.01, 0.1)),
        focus_share=0.8 if goes_on or controls.has_hedge else 0.0,
        odd_share=draw.choice((0.0, 0.2, 0.5)),
        leaving_share=draw.choice((0.0, 0.0, 0.1, 0.4)),
        slow_share=draw.choice((0.0, 0.0, 0.2)),
        deadline_share=draw.choice((0.0, 0.3)),
        large_share=draw.choice((0.0, 0.0, 0.3)),
        repeated_share=draw.choice((0.0, 0.5)) if controls.cache else 0.0,
        trouble_share=0.0 if is_brisk else draw.choice(shares),
        troubles=tuple(troubles),
        is_brisk=is_brisk,
    )


def _draw_pair(draw: Random, caller: str, callee: str, controls: Controls) -> Pair:
    # Budgets of tokens and money need a bound on every call that counts against them.
    bounds = (20, 50, 500) if controls.allowances else (None, None, 50, 500)
    return Pair(
        caller,
        callee,
        max_tokens=draw.choice(bounds),
        request_bytes=draw.choice((None, None, REQUEST_BYTES)),
        criticality=draw.choice(("critical", "standard", "standard", "sheddable")),
    )


def _draw_places(draw: Random, *, has_hedge: bool) -> tuple[Place, ...]:
    count = draw.choice((2, 3)) if has_hedge else draw.choice((1, 2, 3))
    reviewers = [
        Place(9001, "reviewer", "reviewer-a", "small"),
        Place(9003, "reviewer", "reviewer-b", "small", weight=draw.choice((1, 3))),
        Place(9004, "reviewer", "reviewer-c", "rented", priority=draw.choice((0, 1))),
    ][:count]
    if count == 1:
        reviewers = [Place(9001, "reviewer", "reviewer", "small")]
    return (*reviewers, Place(9002, "counter", "counter", "counter-large"))


def _draw_controls(draw: Random, *, is_brisk: bool) -> Controls:
    calls_max = 64 if is_brisk else draw.choice((2, 8, 64))
    return Controls(
        attempts=draw.choice((1, 2, 3, 3)),
        share=draw.choice((0.1, 0.1, 0.5)),
        per_s_min=draw.choice((0.0, 0.1, 1.0)),
        backoff_s=draw.choice((0.05, 0.2)),
        failures=draw.choice((3, 5)),
        open_s=draw.choice((0.2, 0.5)),
        calls_start=min(calls_max, draw.choice((2, 8, 64))),
        calls_max=calls_max,
        queue=draw.choice((2, 10, 1024)),
        queue_s=draw.choice((0.5, 2.0)),
        by=draw.choice(("least-loaded", "weighted", "session", "cheapest")),
        has_health=draw.random() < 0.3,
        has_hedge=draw.random() < 0.3,
        fallback=draw.choice(("no", "no", "before", "after")),
        cache=draw.choice((None, None, "caller", "relationship", "tenant")),
        has_zones=draw.random() < 0.3,
        allowances=_draw_allowances(draw) if draw.random() < 0.3 else (),
        bulkheads=_draw_bulkheads(draw) if draw.random() < 0.2 else (),
    )


def _accounts(draw: Random) -> list[str]:
    names = [f"node:{name}" for name in (*CALLERS, *MODELS)]
    names += [f"relationship:{a}-asks-{b}" for a in CALLERS for b in MODELS]
    return draw.sample(["tenant", *names], draw.randrange(1, 4))


def _draw_allowances(draw: Random) -> tuple[Allowance, ...]:
    return tuple(
        Allowance(
            account,
            draw.choice(("minute", "hour")),
            calls=draw.choice((None, 5, 20, 1000)),
            tokens=draw.choice((None, 3_000, 20_000)),
            money_micro=draw.choice((None, 2_000, 20_000, 1_000_000)),
        )
        for account in _accounts(draw)
    )


def _draw_bulkheads(draw: Random) -> tuple[tuple[str, int], ...]:
    return tuple((account, draw.choice((1, 2, 6))) for account in _accounts(draw))
