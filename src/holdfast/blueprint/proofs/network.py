"""Whether the network enforces what is declared: every source, destination, protocol and port.

One question for each destination. Sources that no rule about this destination tells apart are one
case; protocol and port are bit vectors, so that an answer covers all of them. The rules' meaning is
that of ``kubernetes.rules``; each counter-example is replayed there before it is told.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from holdfast.blueprint.blast import load_z3
from holdfast.blueprint.kubernetes import NO_PORT, Layer, Ports, Protocol, Rule, RuleBook
from holdfast.blueprint.proofs.proof import Outcome, Proof

TIMEOUT_S = 5
"""How long z3 may think about one destination."""
WORKLOADS_MAX = 20_000
EXAMPLES_MAX = 20
_PROTOCOLS: tuple[Protocol, ...] = ("TCP", "UDP", "SCTP")

Pairs: TypeAlias = Mapping[tuple[int, int], Ports]
"""What is declared between two workloads, by their numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connection that shows a difference."""

    source: int
    destination: int
    protocol: Protocol
    port: int


_CLAIMS = {
    True: ("enforced-within-declared", "everything that the network permits is declared"),
    False: ("declared-within-enforced", "everything that is declared is permitted by the network"),
}


@dataclass(frozen=True, kw_only=True)
class Enforced:
    """What the network enforces and what is declared. What passes among ``strangers`` (workloads of
    others) is left out."""

    book: RuleBook
    declared: Pairs
    strangers: frozenset[int] = frozenset()
    timeout_s: float = TIMEOUT_S


def enforced_within_declared(enforced: Enforced) -> Proof:
    """Whether everything that the rules permit between workloads is declared."""
    return _compared(enforced, excess=True)


def declared_within_enforced(enforced: Enforced) -> Proof:
    """Whether everything that is declared is permitted by the rules."""
    return _compared(enforced, excess=False)


def _compared(enforced: Enforced, *, excess: bool) -> Proof:
    book = enforced.book
    rule, claim = _CLAIMS[excess]
    count = len(book.workloads)
    size = f"{count} workloads, {len(book.rules)} rules"

    def said(outcome: Outcome, what: str, found: list[Connection]) -> Proof:
        return Proof(
            rule=rule,
            subject="network",
            claim=claim,
            outcome=outcome,
            how="z3",
            what=what,
            example=tuple(_told(book, each) for each in found[:EXAMPLES_MAX]),
            nodes=tuple(
                dict.fromkeys(
                    book.workloads[i] for each in found for i in (each.source, each.destination)
                )
            ),
            size=size,
        )

    if count > WORKLOADS_MAX:
        what = f"too large: {count} workloads (limit {WORKLOADS_MAX})"
        return said(Outcome.NOT_PROVEN, what, [])
    found: list[Connection] = []
    open_ones: list[str] = []
    for destination in range(count):
        question = Destination(book, enforced.declared, destination, enforced.strangers)
        answer = question.differs(excess=excess, timeout_s=enforced.timeout_s)
        if isinstance(answer, Connection):
            found.append(answer)
        elif answer is not None:
            open_ones.append(f"{book.workloads[destination]}: {answer}")
    if found:
        noun = "destination" if len(found) == 1 else "destinations"
        return said(Outcome.REFUTED, f"{len(found)} {noun} differ", found)
    if open_ones:
        return said(Outcome.NOT_PROVEN, "; ".join(open_ones[:EXAMPLES_MAX]), [])
    return said(Outcome.PROVED, "for every source, destination, protocol and port", [])


def _told(book: RuleBook, each: Connection) -> str:
    source, destination = book.workloads[each.source], book.workloads[each.destination]
    return f"{source} -> {destination} {each.protocol} {each.port}"


@dataclass(frozen=True)
class Destination:
    """The question about one destination. ``cases`` are sources alike to it, by their smallest."""

    book: RuleBook
    declared: Pairs
    number: int
    strangers: frozenset[int] = frozenset()
    cases: tuple[tuple[int, ...], ...] = field(init=False)

    def __post_init__(self) -> None:
        alike: dict[tuple[object, ...], list[int]] = {}
        for source in range(len(self.book.workloads)):
            both_strange = source in self.strangers and self.number in self.strangers
            if source != self.number and not both_strange:
                alike.setdefault(self._signature(source), []).append(source)
        object.__setattr__(self, "cases", tuple(tuple(them) for them in alike.values()))

    def differs(self, *, excess: bool, timeout_s: float) -> Connection | str | None:
        """A connection that is permitted and not declared (``excess``), or the reverse; None when
        there is none; or why that is not known."""
        z3 = load_z3()
        solver = z3.Solver()
        solver.set("timeout", int(timeout_s * 1000))
        case, protocol, port = self.variables(z3)
        permitted, declared = self.permitted(z3), self.is_declared(z3)
        solver.add(z3.ULT(case, len(self.cases)), z3.ULT(protocol, len(_PROTOCOLS)), port != 0)
        solver.add(z3.And(permitted, z3.Not(declared)) if excess else z3.Not(permitted))
        if not excess:
            solver.add(declared)
        answer = solver.check()
        if answer == z3.unsat:
            return None
        if answer != z3.sat:
            return f"z3 gave no answer within {timeout_s:g} s"
        model = solver.model()
        values: list[int] = [
            model.eval(each, model_completion=True).as_long() for each in (case, protocol, port)
        ]
        found = Connection(
            source=self.cases[values[0]][0],
            destination=self.number,
            protocol=_PROTOCOLS[values[1]],
            port=values[2],
        )
        confirmed = self.holds(found) is excess and self.declares(found) is not excess
        return found if confirmed else "the evaluator does not confirm the counter-example"

    def holds(self, each: Connection) -> bool:
        """The concrete evaluator: whether the rules let the connection pass."""
        return self.book.permits(
            each.source, each.destination, protocol=each.protocol, port=each.port
        )

    def declares(self, each: Connection) -> bool:
        ports = self.declared.get((each.source, each.destination), NO_PORT)
        return ports.contains(each.protocol, each.port)

    def variables(self, z3: Any) -> tuple[Any, Any, Any]:
        """The case (of ``cases``), the protocol (0 TCP, 1 UDP, 2 SCTP), the port."""
        return z3.BitVec("case", 16), z3.BitVec("protocol", 2), z3.BitVec("port", 16)

    def permitted(self, z3: Any) -> Any:
        """The rules of both ends as a formula over ``variables``."""
        case = self.variables(z3)[0]

        def among(holds: Callable[[int], bool]) -> Any:
            return z3.Or([case == i for i, them in enumerate(self.cases) if holds(them[0])])

        into = self.book.rules_of("ingress", self.number)
        ingress = self._decided(
            z3,
            [(rule, among(lambda s, r=rule: s in r.peers)) for rule in into],
            z3.BoolVal(self.number in self.book.isolated["ingress"]),
        )
        out = [rule for rule in self._out() if self.number in rule.peers]
        egress = self._decided(
            z3,
            [(rule, among(lambda s, r=rule: s in r.subjects)) for rule in out],
            among(lambda s: s in self.book.isolated["egress"]),
        )
        return z3.And(ingress, egress)

    def is_declared(self, z3: Any) -> Any:
        case = self.variables(z3)[0]
        parts = [
            z3.And(case == i, self._in_ports(z3, ports))
            for i, them in enumerate(self.cases)
            if (ports := self.declared.get((them[0], self.number), NO_PORT))
        ]
        return z3.Or(parts)

    def _signature(self, source: int) -> tuple[object, ...]:
        into = self.book.rules_of("ingress", self.number)
        out = self.book.rules_of("egress", source)
        return (
            tuple(source in rule.peers for rule in into),
            tuple(id(rule) for rule in out if self.number in rule.peers),
            source in self.book.isolated["egress"],
            self.declared.get((source, self.number), NO_PORT),
        )

    def _out(self) -> Iterator[Rule]:
        """The egress rules that some case's source has, in the book's order."""
        wanted = {
            id(rule)
            for them in self.cases
            for rule in self.book.rules_of("egress", them[0])
            if self.number in rule.peers
        }
        yield from (rule for rule in self.book.rules if id(rule) in wanted)

    def _decided(self, z3: Any, rules: list[tuple[Rule, Any]], isolated: Any) -> Any:
        met = [(rule, z3.And(about, self._in_ports(z3, rule.ports))) for rule, about in rules]
        last = z3.BoolVal(val=True)
        for rule, matches in reversed(met):
            if rule.layer is Layer.BASELINE:
                last = z3.If(matches, z3.BoolVal(rule.action == "allow"), last)
        granted = z3.Or([matches for rule, matches in met if rule.layer is Layer.NAMESPACE])
        after = z3.If(isolated, granted, last)
        found = after
        for rule, matches in reversed(met):
            if rule.layer is Layer.ADMIN:
                passes = after if rule.action == "pass" else z3.BoolVal(rule.action == "allow")
                found = z3.If(matches, passes, found)
        return found

    def _in_ports(self, z3: Any, ports: Ports) -> Any:
        _, protocol, port = self.variables(z3)
        return z3.Or(
            [
                z3.And(protocol == number, z3.UGE(port, low), z3.ULE(port, high))
                for number, name in enumerate(_PROTOCOLS)
                for low, high in ports.of(name)
            ]
        )
