"""The permitted connections: from the rules of both ends, for every pair, and with the outside."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.blueprint.kubernetes.addresses import EVERY_ADDRESS, Addresses
from holdfast.blueprint.kubernetes.ports import Ports
from holdfast.blueprint.kubernetes.rules import Direction, Rule, RuleBook, decided


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideAccess:
    """What passes between a workload and some addresses outside."""

    addresses: Addresses
    ports: Ports


@dataclass(slots=True)
class _Side:
    """What one workload's own rules let pass in one direction."""

    otherwise: Ports
    """With a workload that no rule names."""
    peers: dict[int, Ports] = field(default_factory=dict[int, Ports])

    def with_peer(self, peer: int) -> Ports:
        return self.peers.get(peer, self.otherwise)


class Connectivity:
    """Answers what is permitted. Sides are worked out as they are asked for, and kept."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self._sides: dict[tuple[Direction, int], _Side] = {}

    def between(self, source: int, destination: int) -> Ports:
        """The ports of ``destination`` that ``source`` may reach."""
        out = self._side("egress", source).with_peer(destination)
        return out & self._side("ingress", destination).with_peer(source) if out else out

    def pairs(self) -> Iterator[tuple[int, int, Ports]]:
        """Every pair of different workloads with what passes, in order; pairs with nothing not."""
        count = len(self.book.workloads)
        for source in range(count):
            side = self._side("egress", source)
            # Where the rules of the source say nothing of a peer and let nothing else pass, only
            # the peers that they name can be reached.
            peers = range(count) if side.otherwise else sorted(side.peers)
            for destination in peers:
                ports = self.between(source, destination) if source != destination else None
                if ports:
                    yield source, destination, ports

    def from_outside(self, destination: int) -> tuple[OutsideAccess, ...]:
        """Which addresses may reach a workload, and where."""
        return self._outside("ingress", destination)

    def to_outside(self, source: int) -> tuple[OutsideAccess, ...]:
        """Which addresses a workload may reach."""
        return self._outside("egress", source)

    def _side(self, direction: Direction, subject: int) -> _Side:
        found = self._sides.get((direction, subject))
        if found is None:
            found = self._sides[direction, subject] = self._worked_out(direction, subject)
        return found

    def _worked_out(self, direction: Direction, subject: int) -> _Side:
        isolated = subject in self.book.isolated[direction]
        rules = self.book.rules_of(direction, subject)
        side = _Side(decided((), isolated=isolated))
        by_peer: dict[int, list[Rule]] = {}
        for rule in rules:
            for peer in rule.peers:
                by_peer.setdefault(peer, []).append(rule)
        known: dict[tuple[int, ...], Ports] = {}
        for peer, met in by_peer.items():
            # Most peers meet the same rules: what follows from those is worked out once.
            key = tuple(map(id, met))
            if key not in known:
                known[key] = decided(met, isolated=isolated)
            side.peers[peer] = known[key]
        return side

    def _outside(self, direction: Direction, subject: int) -> tuple[OutsideAccess, ...]:
        isolated = subject in self.book.isolated[direction]
        rules = [rule for rule in self.book.rules_of(direction, subject) if rule.outside]
        # All addresses, parted again and again: by whether the next rule holds them.
        parts: list[tuple[Addresses, tuple[Rule, ...]]] = [(EVERY_ADDRESS, ())]
        for rule in rules:
            met = [(part & rule.outside, (*held, rule)) for part, held in parts]
            rest = [(part - rule.outside, held) for part, held in parts]
            parts = [each for each in (*met, *rest) if each[0]]
        found: dict[Ports, Addresses] = {}
        for part, held in parts:
            ports = decided(held, isolated=isolated)
            if ports:
                found[ports] = found.get(ports, Addresses()) | part
        return tuple(
            OutsideAccess(addresses=addresses, ports=ports) for ports, addresses in found.items()
        )
