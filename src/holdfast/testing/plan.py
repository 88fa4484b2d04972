"""The plan of a run: a system, calls, faults; drawn from the seed, printed, replayed, shrunk."""

from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec

from holdfast.testing.setup import Setup, draw_setup
from holdfast.testing.upstream import UPSTREAM_KINDS
from holdfast.world.ports import Address
from holdfast.world.sim import DISK_KINDS, NETWORK_KINDS, Fault

GATEWAY: Final = Address(host="gateway", port=80)
CALLS: Final = 60
SPAN_S: Final = 6.0
DAY_CALLS: Final = 3_000
DAY_S: Final = 1_440.0
"""A day's arrivals, an hour in a minute."""
DAY_FAULTS: Final = 60
WALL_SPEED_OF_A_DAY: Final = 60.0

SYSTEM_KINDS: Final[dict[str, str]] = {
    "kill": "the worker is killed, and started again when the fault ends",
    "drain": "the worker is told to finish and end, and started again when the fault ends",
    "crash": "the whole machine stops, and is started again when the fault ends",
    "keeper-crash": "the machine stops in the middle of the keeper's next durable step",
    "revoke": "the old keys are revoked, for good",
    "reload": "another blueprint is in force until the fault ends",
    "clock-jump": "the wall clock is set `amount` seconds on",
}
KINDS: Final = {**NETWORK_KINDS, **DISK_KINDS, **UPSTREAM_KINDS, **SYSTEM_KINDS}
_MORE_AT_THE_UPSTREAM: Final = ("corrupt", "mute")
"""What would make a caller hear what the gateway never said: only between gateway and upstream."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that a run is made of."""

    seed: int
    calls: int
    span_s: float
    is_day: bool
    setup: Setup
    faults: tuple[Fault, ...]

    def with_faults(self, faults: Sequence[Fault]) -> "Plan":
        """The same, with other faults."""
        return msgspec.structs.replace(self, faults=tuple(faults))


def draw_plan(seed: int, *, calls: int = CALLS) -> Plan:
    """A few seconds of a system: enough for every mechanism, small enough for thousands."""
    draw = Random(f"plan {seed}")  # noqa: S311 - replayable by intent
    setup = draw_setup(seed)
    # A part of all seeds is calm, so that what calm weather promises is checked as well; the
    # others meet few kinds at once, for one that spoils everything hides all others.
    count = draw.choice((0, 1, 2, 3, 5, 8))
    faults = _draw_faults(draw, count, SPAN_S, kinds=draw.randrange(1, 5), setup=setup)
    return Plan(seed=seed, calls=calls, span_s=SPAN_S, is_day=False, setup=setup, faults=faults)


def draw_day(seed: int, *, calls: int = DAY_CALLS) -> Plan:
    """A whole day: arrivals as people work, and something going wrong most of the time."""
    draw = Random(f"day {seed}")  # noqa: S311 - replayable by intent
    setup = msgspec.structs.replace(draw_setup(seed), workers=2)
    faults = _draw_faults(draw, DAY_FAULTS, DAY_S, kinds=len(KINDS), setup=setup)
    return Plan(seed=seed, calls=calls, span_s=DAY_S, is_day=True, setup=setup, faults=faults)


def _draw_faults(
    draw: Random, count: int, span_s: float, *, kinds: int, setup: Setup
) -> tuple[Fault, ...]:
    chosen = draw.sample(sorted(KINDS), kinds)
    faults = [
        _draw_fault(draw, draw.choice(chosen), span_s, draw.choice(setup.places).where)
        for _ in range(count)
    ]
    return tuple(sorted(faults, key=lambda fault: fault.at_s))


def _draw_fault(draw: Random, kind: str, span_s: float, where: str) -> Fault:
    share, amount, lasting = 1.0, 0.0, draw.choice((0.05, 0.3, 1.0, 3.0))
    if kind in UPSTREAM_KINDS:
        lasting = draw.choice((0.3, 1.0, 3.0))
    if kind in NETWORK_KINDS and kind not in _MORE_AT_THE_UPSTREAM:
        where = draw.choice((where, where, str(GATEWAY)))
    match kind:
        case "delay" | "reorder" | "up-first":
            amount, share = draw.choice((0.02, 0.2, 1.0)), draw.choice((0.05, 0.5))
        case "cut" | "truncate" | "half-close" | "corrupt":
            share = draw.choice((0.02, 0.1, 0.5))
        case "refused" | "split" | "up-hang" | "up-die" | "up-long" | "up-short" | "up-garbage":
            share = draw.choice((0.1, 0.5, 1.0))
        case "slow":
            amount = draw.choice((2_000.0, 20_000.0, 200_000.0))
        case "up-error":
            amount, share = float(draw.choice((500, 503, 529))), draw.choice((0.1, 0.5, 1.0))
        case "up-limit":
            amount, share = draw.choice((1.0, 2.0, 5.0)), draw.choice((0.2, 1.0))
        case "up-slow":
            amount = draw.choice((3.0, 10.0))
        case "up-slots":
            amount = float(draw.choice((0, 1, 2)))
        case "disk-slow":
            where, amount = "disk", draw.choice((0.01, 0.1))
        case "disk-torn":
            where, amount = "disk", draw.choice((0.3, 0.9, 1.0))
        case "disk-fail" | "disk-full":
            where = "disk"
        case "kill" | "drain":
            where = f"worker-{draw.randrange(2)}"
        case "crash" | "keeper-crash":
            where, amount = "machine", float(draw.randrange(1, 6))
        case "revoke":
            where, lasting = "keys", 0.0
        case "reload":
            where = "blueprint"
        case "clock-jump":
            where, lasting = "clock", 0.0
            amount = draw.choice((-86_400.0, -3600.0, -1.0, 0.5, 61.0, 3600.0, 90_000.0))
        case _:
            """The rest needs no figures."""
    at_s = round(draw.uniform(0.0, span_s), 3)
    return Fault(kind=kind, where=where, at_s=at_s, for_s=lasting, share=share, amount=amount)
