"""How an objective stands: its budget, how fast it burns, and what is made of that."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from holdfast.blueprint import Objective

State: TypeAlias = Literal["no-data", "holds", "burning-slow", "burning-fast", "spent"]
"""From nothing known to the gravest. ``no-data`` is neither good nor bad."""
Severity: TypeAlias = Literal["page", "ticket"]
ScopeKind: TypeAlias = Literal["system", "node", "relationship"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which calls are counted: all, those to a node, or those over a relationship. ``name`` is its
    id; the system's is empty."""

    kind: ScopeKind
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """How fast the budget was used within ``window_min`` minutes: at 1 it lasts exactly for the
    objective's window. None where nothing was counted."""

    window_min: int
    rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Both windows burn at ``factor`` or more. The long one says that it matters, the short one
    that it goes on."""

    severity: Severity
    factor: float
    long_min: int
    short_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One objective at one moment.

    ``counted`` is what its window counts and ``used`` what of it was bad; of a cost ``counted`` are
    calls and ``used`` is money in billionths. ``now`` is the share that was good, or money for each
    ``per`` of the objective; ``left`` is the part of the budget that is left, 1 at first, below 0
    when more was used than there is. Both are None where nothing was counted. ``few`` says that
    too little was counted to judge by.
    """

    scope: Scope
    objective: Objective
    state: State
    counted: int
    used: int
    now: float | None
    left: float | None
    few: bool
    burns: tuple[Burn, ...]
    alerts: tuple[Alert, ...] = field(default=())

    @property
    def id(self) -> str:
        """Names it in logs, metrics and addresses: ``nodes.clause-reviewer.availability``."""
        where = {"system": "", "node": "nodes.", "relationship": "relationships."}
        name = f"{self.scope.name}." if self.scope.name else ""
        return f"{where[self.scope.kind]}{name}{self.objective.kind}"

    def burn(self, window_min: int) -> float | None:
        return next((each.rate for each in self.burns if each.window_min == window_min), None)
