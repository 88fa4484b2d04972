"""What happens when a part hangs instead of stopping: it takes calls and never answers them.

A breaker opens then, and most calls are refused at once, as if the part were gone. But every so often
one is let through, and waits until its time is over: beside a part's state stands how long such calls
*stall*. Where Holdfast carries no breaker, all *wait*. Who asks the one that waits may have given up by
then. What is needed getting worse never makes these better: the equations are monotone, and their
greatest solution is found from above.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal, NamedTuple, TypeAlias

from holdfast.blueprint.blast.fixpoints import Drop
from holdfast.blueprint.blast.levels import (
    WELL,
    Levels,
    Need,
    bounded,
    forced,
    met,
    state_of,
)
from holdfast.blueprint.blast.model import Equations
from holdfast.blueprint.blast.patience import Limits, Patience
from holdfast.blueprint.blast.states import State
from holdfast.core import NodeId

How: TypeAlias = Literal["stops", "hangs"]
COMPOSED = "composed-of"
RISES_MAX = 64
"""In a circle of calls, waits grow from round to round until somebody's time is over. A part whose
wait grew so often is taken to wait for ever: those who ask it give up."""


class Outcome(NamedTuple):
    """What one who asks a part gets: ``state`` after ``wait_s``; but some calls ``stall_s``."""

    state: State = State.UP
    wait_s: float = 0.0
    stall_s: float = 0.0


WORKS = Outcome()
GONE = Outcome(State.DOWN)
HANGS = Outcome(State.DOWN, stall_s=inf)


def hang(
    equations: Equations, faults: Iterable[int], stopped: Mapping[int, Levels]
) -> tuple[list[Levels], dict[int, Drop]]:
    """The state of each part as those who ask it see it, when ``faults`` hang and what is
    ``stopped`` is gone; and why it dropped."""
    walk = _Walk(equations, Patience(equations))
    walk.run(tuple(faults), stopped)
    levels = [forced(state, 1) for state in walk.seen()]
    return levels, walk.drops


@dataclass
class _Walk:
    equations: Equations
    patience: Patience
    drops: dict[int, Drop] = field(default_factory=dict[int, Drop])
    _rises: dict[int, int] = field(default_factory=dict[int, int])

    def __post_init__(self) -> None:
        self._found = [WORKS] * len(self.equations.names)
        self._levels = [WELL] * len(self.equations.names)
        self._fixed: set[int] = set()

    def run(self, faults: Sequence[int], stopped: Mapping[int, Levels]) -> None:
        hung = self._hung(faults)
        left_out = {part for part in hung if self._is_left_out(part)}
        for part in hung:
            members = [o.part for n in self._places(part) for o in n.options if n.by == COMPOSED]
            members = [member for member in members if member in hung]
            gone = part in left_out or (bool(members) and left_out.issuperset(members))
            self._set(part, GONE if gone else HANGS)
        for part, levels in stopped.items():
            self._set(part, Outcome(state_of(levels, 0)))
        self._fixed = {*hung, *stopped}
        self._settle()

    def _set(self, part: int, found: Outcome) -> None:
        self._found[part] = found
        self._levels[part] = forced(found.state, 1)

    def _is_left_out(self, part: int) -> bool:
        name = NodeId(self.equations.names[part])
        return name in self.equations.system.nodes and self.patience.is_left_out(name)

    def _hung(self, faults: Sequence[int]) -> list[int]:
        """What hangs with the faults: what runs in them, as far as no replica is elsewhere."""
        found = dict.fromkeys(faults)
        waiting = list(faults)
        while waiting:
            for part in self.equations.needing[waiting.pop()]:
                if part not in found and any(self._holds(n, found) for n in self._places(part)):
                    found[part] = None
                    waiting.append(part)
                    self.drops[part] = self._drop_of(part, found)
        return list(found)

    def _places(self, part: int) -> list[Need]:
        needs = self.equations.needs[part]
        return [need for need in needs if need.by in ("deployed-in", "fate", COMPOSED)]

    @staticmethod
    def _holds(need: Need, hung: Mapping[int, None]) -> bool:
        return sum(option.part in hung for option in need.options) > need.tolerated

    def _drop_of(self, part: int, hung: Mapping[int, None]) -> Drop:
        need = next(need for need in self._places(part) if self._holds(need, hung))
        return Drop(next(option.part for option in need.options if option.part in hung), need)

    def _settle(self) -> None:
        """Until nothing changes, what is needed before what needs it."""
        equations = self.equations
        dirty = {other for part in self._fixed for other in equations.needing[part]}
        while dirty:
            for part in equations.order:
                if part not in dirty:
                    continue
                dirty.discard(part)
                if part not in self._fixed and self._sinks(part):
                    dirty.update(equations.needing[part])

    def _sinks(self, part: int) -> bool:
        """Bring one part down to what its needs let through; whether that changed it."""
        before, held = self._found[part], 0.0
        outcomes: list[Outcome] = []
        for need in self.equations.needs[part]:
            found, in_flight = self._met(need)
            held += in_flight
            if need.by == COMPOSED and found.state is not State.DOWN:
                # Members that answer are asked: of their calls only one in fifty is a probe.
                found = found._replace(stall_s=0.0)
            outcomes.append(found)
            if part not in self.drops and found != WORKS:
                self.drops[part] = Drop(self._culprit(need), need)
        state = min((each.state for each in outcomes), default=State.UP)
        if self._is_full(part, held):
            state = min(state, self._without_calls(part))
        wait_s = sum(each.wait_s for each in outcomes)
        stall_s = sum(each.stall_s for each in outcomes)
        rises = self._rises[part] = self._rises.get(part, 0) + 1
        if rises > RISES_MAX:
            wait_s, stall_s = inf if wait_s else 0.0, inf if stall_s else 0.0
        self._set(part, Outcome(state, wait_s, stall_s))
        return self._found[part] != before

    def _culprit(self, need: Need) -> int:
        return min((option.part for option in need.options), key=self._rank)

    def _rank(self, part: int) -> tuple[float, ...]:
        found = self._found[part]
        return found.state, -found.wait_s, -found.stall_s

    def _met(self, need: Need) -> tuple[Outcome, float]:
        """What a need lets through, and how many calls it keeps in flight (Little's law)."""
        if need.over is not None and not need.any_hurts:
            return self._asked(need)
        found = [self._found[option.part] for option in need.options]
        state = state_of(met(need, self._levels, 1), 0)
        if need.any_hurts or need.by == "flow":
            return Outcome(state), 0.0
        wait_s = max(each.wait_s for each in found)
        return Outcome(state, wait_s, max(each.stall_s for each in found)), 0.0

    def _asked(self, need: Need) -> tuple[Outcome, float]:
        """The options are asked one after the other, while the caller's time lasts."""
        first = self.patience.edge(need, need.options[0])
        limits = self.patience.of(first)
        state, wait_s, stall_s = State.DOWN, 0.0, 0.0
        for option in need.options:
            edge = self.patience.edge(need, option)
            found = seen(self._found[option.part], self.patience.of(edge))
            wait_s, stall_s = wait_s + found.wait_s, stall_s + found.stall_s
            if found.state is not State.DOWN:
                state = min(found.state, State.DEGRADED) if option.standby else found.state
            if found.state is not State.DOWN or wait_s >= limits.total_s:
                break
        wait_s, stall_s = min(wait_s, limits.total_s), min(stall_s, limits.total_s)
        in_flight = 0.0
        if limits.is_carried and limits.per_s:
            in_flight = limits.per_s * wait_s + min(limits.per_s, limits.probes_per_s) * stall_s
        state = state_of(bounded(need, forced(state, 1)), 0)
        if first.facts.strength == "async":
            return Outcome(state), in_flight
        return Outcome(state, wait_s, stall_s), in_flight

    def _is_full(self, part: int, held: float) -> bool:
        """Whether calls that wait take all the room that a node has for its calls."""
        node = self.equations.system.nodes.get(NodeId(self.equations.names[part]))
        return node is not None and node.bulkhead is not None and held > node.bulkhead

    def _without_calls(self, part: int) -> State:
        """The state of a node whose calls through Holdfast are all refused."""
        calls = [need for need in self.equations.needs[part] if need.by == "call" and need.over]
        refused = [
            state_of(bounded(need, forced(State.DOWN, 1)), 0)
            for need in calls
            if self.patience.of(self.patience.edge(need, need.options[0])).is_carried
        ]
        return min(refused, default=State.UP)

    def seen(self) -> list[State]:
        """Each part's state as those who ask it see it: the worst of what they see, but down only
        where all have given up before it answers."""
        slow_s = self.equations.assumptions.slow_s
        return [self._seen(part, name, slow_s) for part, name in enumerate(self.equations.names)]

    def _seen(self, part: int, name: str, slow_s: float) -> State:
        entering = self.equations.system.entering.get(NodeId(name), ())
        views = [seen(self._found[part], self.patience.of(edge)) for edge in entering]
        views = views or [seen(self._found[part], Limits())]
        states = [_judged(view, slow_s) for view in views]
        return min(states) if max(states) is State.DOWN else max(State.SLOW, min(states))


def seen(found: Outcome, limits: Limits) -> Outcome:
    """What one who asks gets of it within his limits."""
    # A breaker leaves what hangs alone but for its probes; without one every call waits.
    is_endless = found.state is State.DOWN and found.stall_s == inf and not limits.is_carried
    if is_endless or found.wait_s >= limits.first_s:
        return Outcome(State.DOWN, limits.waits_s, limits.waits_s)
    if found.stall_s < limits.first_s:
        return found
    # Another try may come to one that answers; a single one has failed.
    state = found.state if limits.tries > 1 else min(found.state, State.DEGRADED)
    return Outcome(state, found.wait_s, limits.waits_s)


def _judged(found: Outcome, slow_s: float) -> State:
    if found.state is not State.DOWN and max(found.wait_s, found.stall_s) >= slow_s:
        return State.SLOW
    return found.state
