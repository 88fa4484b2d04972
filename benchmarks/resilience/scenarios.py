"""What is done to the models, and when: as data."""

from dataclasses import dataclass, field
from typing import Any, Literal

SLOTS = 10
SERVICE_S = 0.5
MODELS = 2
CAPACITY = MODELS * SLOTS / SERVICE_S
"""Calls a second that the two models together can answer."""
DEADLINE_S = 10.0
"""After this a caller goes away."""
ATTEMPT_S = 4.0
"""What each target is told an attempt may take."""
STEADY = 0.4
"""Share of the capacity asked for where one model is hurt: the other alone can carry it."""
BUSY = 0.7
"""Share of the capacity asked for where both are."""

Act = Literal["tell", "kill", "start", "freeze", "thaw"]


@dataclass(frozen=True)
class Step:
    """At ``at``, a share of the time the fault lasts, something is done to model ``who``."""

    at: float
    act: Act
    who: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """``load`` is a share of the capacity; during the fault it is ``surge`` times as much."""

    name: str
    title: str
    what: str
    steps: tuple[Step, ...] = ()
    stream: bool = False
    load: float = STEADY
    surge: float = 1.0


def _window(**settings: object) -> tuple[Step, ...]:
    """Model A has these settings while the fault lasts."""
    before = {"status": 200, "late_s": 0.0, "reset": False, "retry_after_s": None, "share": 1.0}
    after = {name: before[name] for name in settings}
    return (Step(0, "tell", settings=dict(settings)), Step(1, "tell", settings=after))


def _crash(at: float) -> tuple[Step, ...]:
    return (Step(at, "kill"), Step(at + 0.15, "start"))


def _both(at: float, **settings: object) -> tuple[Step, ...]:
    return tuple(Step(at, "tell", who, dict(settings)) for who in range(MODELS))


SCENARIOS = (
    Scenario(
        "killed",
        "Killed in mid-stream",
        "Streams. Model A is killed (SIGKILL) three times, each time started again after 15 % of "
        "the fault's time; what it was saying breaks off.",
        steps=(*_crash(0.0), *_crash(0.4), *_crash(0.8)),
        stream=True,
    ),
    Scenario(
        "black-hole",
        "Black hole",
        "Model A is stopped (SIGSTOP): its port takes connections and requests, nothing returns.",
        steps=(Step(0, "freeze"), Step(1, "thaw")),
    ),
    Scenario(
        "reset",
        "Connections reset",
        "Model A resets every connection that brings a request.",
        steps=_window(reset=True),
    ),
    Scenario(
        "storm-429",
        "Storm of 429",
        "Model A answers 429 with `Retry-After: 2` to everything.",
        steps=_window(status=429, retry_after_s=2),
    ),
    Scenario(
        "slow-first-byte",
        "Slow first byte",
        "Streams. Model A lets 3 s pass before it looks at a call: less than an attempt may take.",
        steps=_window(late_s=3.0),
        stream=True,
    ),
    Scenario(
        "error-burst",
        "Burst of errors",
        "Model A answers 500 to everything, at once: the quickest model around.",
        steps=_window(status=500),
    ),
    Scenario(
        "brown-out",
        "Brown-out",
        "Both models lose 9 of 10 slots, at 70 % of the capacity.",
        steps=(*_both(0, slots=1), *_both(1, slots=SLOTS)),
        load=BUSY,
    ),
    Scenario(
        "overload",
        "Overload",
        "Nothing is wrong with the models, but 10 times their capacity is asked for.",
        load=BUSY,
        surge=10 / BUSY,
    ),
)
