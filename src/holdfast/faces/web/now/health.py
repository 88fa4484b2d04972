"""How well the called nodes are, and how full. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from holdfast.faces.view import Live
from holdfast.gateway import UpstreamSeen, UpstreamState
from holdfast.history import Moment

OUT: frozenset[str] = frozenset(("open", "down", "ejected"))
"""States in which no call goes to an upstream."""
UNSURE: frozenset[str] = frozenset(("half-open", "resting"))
FULL_SHARE = 0.9
WORDS: dict[UpstreamState, str] = {
    "up": "up",
    "half-open": "half-open",
    "resting": "resting",
    "ejected": "ejected",
    "open": "breaker open",
    "down": "down",
}


@dataclass(slots=True, kw_only=True)
class Health:
    """A box's upstreams together, while they are being added up."""

    in_flight: int = 0
    limit: int = 0
    queued: int = 0
    states: list[str] = field(default_factory=list[str])

    @property
    def out(self) -> int:
        return sum(state in OUT for state in self.states)

    @property
    def tone(self) -> str:
        """``refused`` where no upstream takes calls, ``failed`` where some do not, or none is sure."""
        if self.states and self.out == len(self.states):
            return "refused"
        troubled = any(state != "up" for state in self.states)
        return "failed" if troubled or self.is_full or self.queued else ""

    @property
    def is_full(self) -> bool:
        return self.limit > 0 and self.in_flight >= FULL_SHARE * self.limit

    @property
    def share(self) -> float | None:
        """How full, in hundredths."""
        return round(min(self.in_flight / self.limit, 1) * 100, 1) if self.limit else None

    def words(self) -> tuple[str, ...]:
        """What must be said, each with its sign, the gravest first; nothing when all is well."""
        said: list[str] = []
        bad = [state for state in self.states if state != "up"]
        if len(bad) == 1 and len(self.states) == 1:
            sign = "✕" if self.out else "?"
            said.append(f"{sign} {_word(bad[0])}")
        elif self.out:
            said.append(f"✕ {self.out} of {len(self.states)} out")
        elif bad:
            said.append(f"? {len(bad)} of {len(self.states)} unsure")
        if self.queued:
            said.append(f"… {self.queued} queued")
        if self.is_full:
            said.append("! full")
        return tuple(said)


def _word(state: str) -> str:
    return next((word for known, word in WORDS.items() if known == state), state)


def healths(live: Live, box_of: Mapping[str, str]) -> dict[str, Health]:
    """By box: each upstream once in every box where it or the node that it answers for stands."""
    found: dict[str, Health] = {}
    for each in live.upstreams:
        for box in _boxes(each, box_of):
            health = found.setdefault(box, Health())
            health.in_flight += each.in_flight
            health.limit += each.limit if each.state not in OUT else 0
            health.states.append(each.state)
    for node in live.nodes:
        if node.queued and node.node in box_of:
            found.setdefault(box_of[node.node], Health()).queued += node.queued
    return found


def _boxes(each: UpstreamSeen, box_of: Mapping[str, str]) -> Iterable[str]:
    boxes = (box_of.get(each.node), box_of.get(each.upstream))
    return dict.fromkeys(box for box in boxes if box is not None)


def past_healths(
    moments: Sequence[Moment], until: int, box_of: Mapping[str, str]
) -> dict[str, Health]:
    """By box, as the last word on each upstream before a time has it."""
    last: dict[str, str] = {}
    for each in sorted(moments, key=lambda moment: moment.at):
        if each.at < until and each.kind.startswith("upstream."):
            last[each.subject] = each.kind.partition(".")[2]
    found: dict[str, Health] = {}
    for subject, state in last.items():
        names = dict.fromkeys(name for name in subject.split("/") if name in box_of)
        for box in dict.fromkeys(box_of[name] for name in names):
            found.setdefault(box, Health()).states.append(state)
    return found
