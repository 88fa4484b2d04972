"""A minimum cut by maximum flow (Dinic, 1970)."""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field

UNLIMITED = 1 << 60


@dataclass(slots=True)
class _Arc:
    end: int
    left: int
    back: int
    """Where the opposite arc stands in the list of ``end``."""


@dataclass(slots=True)
class Network:
    """A directed network with limits; joints are named by anything hashable."""

    _number: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    _arcs: list[list[_Arc]] = field(default_factory=list[list[_Arc]])
    _limits: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])

    def join(self, start: Hashable, end: Hashable, *, limit: int | None = None) -> None:
        """An arc; without a ``limit`` it is never cut. The same arc again changes nothing."""
        one, other = self._of(start), self._of(end)
        if (one, other) in self._limits:
            return
        self._limits[one, other] = UNLIMITED if limit is None else limit
        arcs, others = self._arcs[one], self._arcs[other]
        arcs.append(_Arc(other, self._limits[one, other], len(others)))
        others.append(_Arc(one, 0, len(arcs) - 1))

    def smallest_cut(
        self, start: Hashable, end: Hashable
    ) -> list[tuple[Hashable, Hashable]] | None:
        """The arcs of a cheapest cut; None when only unlimited arcs part the two."""
        source, sink = self._of(start), self._of(end)
        total = 0
        while (ranks := self._ranks(source)).get(sink) is not None:
            nexts = [0] * len(self._arcs)
            while pushed := self._push(source, sink, ranks, nexts):
                total += pushed
            if total >= UNLIMITED:
                return None
        inside = ranks.keys()
        names = list(self._number)
        return [
            (names[one], names[other])
            for one, other in self._limits
            if one in inside and other not in inside
        ]

    def _of(self, name: Hashable) -> int:
        if name not in self._number:
            self._number[name] = len(self._number)
            self._arcs.append([])
        return self._number[name]

    def _ranks(self, source: int) -> dict[int, int]:
        ranks = {source: 0}
        waiting = deque([source])
        while waiting:
            here = waiting.popleft()
            for arc in self._arcs[here]:
                if arc.left and arc.end not in ranks:
                    ranks[arc.end] = ranks[here] + 1
                    waiting.append(arc.end)
        return ranks

    def _push(self, source: int, sink: int, ranks: dict[int, int], nexts: list[int]) -> int:
        """One way from source to sink, as much as fits; 0 when there is none left."""
        way: list[_Arc] = []
        here = source
        while here != sink:
            arc = self._next(here, ranks, nexts)
            if arc is not None:
                way.append(arc)
                here = arc.end
                continue
            if not way:
                return 0
            blocked = way.pop()
            here = self._arcs[blocked.end][blocked.back].end
            nexts[here] += 1
        fits = min(arc.left for arc in way)
        for arc in way:
            arc.left -= fits
            self._arcs[arc.end][arc.back].left += fits
        return fits

    def _next(self, here: int, ranks: dict[int, int], nexts: list[int]) -> _Arc | None:
        arcs = self._arcs[here]
        while nexts[here] < len(arcs):
            arc = arcs[nexts[here]]
            if arc.left and ranks.get(arc.end) == ranks[here] + 1:
                return arc
            nexts[here] += 1
        return None
