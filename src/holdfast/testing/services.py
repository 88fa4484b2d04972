"""Systems of services that call each other through the gateway: drawn from a seed, declared, and
played by small programs that do what their declaration says they do.

What the gateway does about trouble (fallbacks, caches, several upstreams, retries, breakers) is real.
What an application does about an answer that does not come is a program here: with a ``hard``
dependency it fails, with a ``soft`` or ``optional`` one it answers with less, with an ``async`` one it
does not wait.
"""

from random import Random
from typing import Final, Literal, TypeAlias

import msgspec

from holdfast.world.ports import Address

Manner: TypeAlias = Literal["hard", "soft", "optional", "async", "fallback", "cached"]
MANNERS: Final[tuple[Manner, ...]] = (
    "hard",
    "hard",
    "soft",
    "optional",
    "async",
    "fallback",
    "cached",
)
PROBER: Final = "prober"
PROBE_EVERY_S: Final = 2.0
"""So often everybody is asked, and asks whom he needs."""
PORT_FIRST: Final = 9100
MEMBERS: Final = 2
OUTAGE_S: Final = 90.0
CACHE_TTL_S: Final = 86_400.0
"""Longer than an experiment: or an answer with less, had during one failure, is given in the next."""
BUFFER_HOURS: Final = 1.0


class Dependency(msgspec.Struct, frozen=True):
    """``source`` asks ``destination``; ``spare`` stands in for it (``fallback``)."""

    source: str
    destination: str
    manner: Manner
    spare: str | None = None
    buffered: bool = False


class Program(msgspec.Struct, frozen=True):
    """One that answers: at ``port`` for the node ``called``, on a host."""

    name: str
    called: str
    port: int
    host: str

    @property
    def address(self) -> Address:
        return Address(host="127.0.0.1", port=self.port)


class Services(msgspec.Struct, frozen=True):
    """A whole system."""

    names: tuple[str, ...]
    programs: tuple[Program, ...]
    dependencies: tuple[Dependency, ...]
    hosts: tuple[str, ...]

    def of(self, source: str) -> tuple[Dependency, ...]:
        return tuple(each for each in self.dependencies if each.source == source)

    def programs_in(self, part: str) -> tuple[Program, ...]:
        """The programs that stop when a part fails: a host, a service, one of its members."""
        return tuple(each for each in self.programs if part in (each.name, each.called, each.host))

    @property
    def calls_per_hour(self) -> dict[str, float]:
        """How often each is asked while all are well. Calls go from lower to higher numbers."""
        found = dict.fromkeys(self.names, 3600 / PROBE_EVERY_S)
        for name in self.names:
            for each in self.of(name):
                # Every second question to something cached is one that was asked before.
                share = 0.5 if each.manner == "cached" else 1.0
                found[each.destination] += share * found[name]
        return found

    @property
    def parts(self) -> tuple[str, ...]:
        """Everything that can fail by itself, or with what is in it."""
        members = [each.name for each in self.programs if each.name != each.called]
        return (*self.names, *members, *self.hosts)


def draw_services(seed: int, *, count: int = 10, hosts: int = 3) -> Services:
    """The same for the same seed. Calls go from lower to higher numbers, so they end."""
    draw = Random(f"services {seed}")  # noqa: S311 - replayable by intent
    names = tuple(f"s{number}" for number in range(count))
    places = tuple(f"host-{number}" for number in range(hosts))
    programs: list[Program] = []
    for name in names:
        copies = MEMBERS if draw.random() < 0.3 else 1
        homes = draw.sample(places, copies)
        for copy, host in enumerate(homes):
            own = name if copies == 1 else f"{name}-{'ab'[copy]}"
            programs.append(Program(own, name, PORT_FIRST + len(programs), host))
    dependencies: list[Dependency] = []
    for number, name in enumerate(names[:-1]):
        later = names[number + 1 :]
        wanted = min(len(later), draw.choice((1, 1, 2, 3)))
        dependencies += _drawn(draw, name, draw.sample(later, wanted), later)
    return Services(names, tuple(programs), tuple(dependencies), places)


def _drawn(
    draw: Random, source: str, chosen: list[str], later: tuple[str, ...]
) -> list[Dependency]:
    found: list[Dependency] = []
    for destination in chosen:
        manner = draw.choice(MANNERS)
        spares = [name for name in later if name not in chosen]
        spares = [name for name in spares if name not in {each.spare for each in found}]
        if manner == "fallback" and not spares:
            manner = "hard"
        found.append(
            Dependency(
                source,
                destination,
                manner,
                spare=draw.choice(spares) if manner == "fallback" else None,
                buffered=draw.random() < 0.5,
            )
        )
    return found


def declared(services: Services) -> str:
    """The system as people would write it down, with one more node that asks everybody."""
    lines = ["holdfast: 1", "name: services", "nodes:"]
    lines.append(f"  {PROBER}: {{type: service, description: Asks everybody.}}")
    for name in services.names:
        lines += _service(services, name)
    lines += [f"  {host}: {{type: network, description: A machine.}}" for host in services.hosts]
    lines.append("relationships:")
    rates = services.calls_per_hour
    lines += [_dependency(each, rates[each.source]) for each in services.dependencies]
    asked = {(each.source, each.destination) for each in services.dependencies}
    for each in services.dependencies:
        if each.spare is not None and (each.source, each.spare) not in asked:
            asked.add((each.source, each.spare))
            lines.append(_asks(each.source, each.spare))
    often = f", facts: {{calls_per_hour: {3600 / PROBE_EVERY_S:g}}}"
    lines += [_asks(PROBER, name, often) for name in services.names]
    for host in services.hosts:
        inside = [each.name for each in services.programs if each.host == host]
        if inside:
            listed = ", ".join(inside)
            lines.append(
                f"  - {{id: on-{host}, deployed-in: {{container: {host}, nodes: [{listed}]}}}}"
            )
    return "\n".join(lines) + "\n"


def _service(services: Services, name: str) -> list[str]:
    programs = [each for each in services.programs if each.called == name]
    timeouts = "timeouts: {connect_s: 1, first_byte_s: 10, total_s: 30}"
    if len(programs) == 1:
        upstream = f'upstream: {{url: "http://{programs[0].address}/v1"}}'
        return [_node(name, f"{upstream}, {timeouts}")]
    members = (
        _node(each.name, f'upstream: {{url: "http://{each.address}/v1", model: {name}}}')
        for each in programs
    )
    return [_node(name, timeouts), *members]


def _node(name: str, controls: str) -> str:
    return f"  {name}: {{type: service, description: Answers., controls: {{{controls}}}}}"


def composed(services: Services) -> str:
    """The compositions, which follow the relationships."""
    lines: list[str] = []
    for name in services.names:
        members = [each.name for each in services.programs if each.called == name != each.name]
        if members:
            listed = ", ".join(members)
            lines.append(
                f"  - {{id: {name}-is, composed-of: {{container: {name}, nodes: [{listed}]}}}}\n"
            )
    return "".join(lines)


def _dependency(each: Dependency, per_hour: float) -> str:
    facts, controls = f"calls_per_hour: {per_hour:g}", ""
    match each.manner:
        case "hard":
            facts += ", strength: hard"
        case "soft" | "optional":
            facts += f", strength: {each.manner}"
        case "async":
            hours = f", buffer_hours: {BUFFER_HOURS:g}" if each.buffered else ""
            facts += f", strength: async{hours}"
        case "fallback":
            controls = f"fallback: {{to: [{each.spare}]}}"
        case "cached":
            controls = f"cache: {{ttl_s: {CACHE_TTL_S:g}, scope: relationship}}"
    ends = f"id: {each.source}-{each.destination}, connects: [{each.source}, {each.destination}]"
    return f"  - {{{ends}, facts: {{{facts}}}, controls: {{{controls}}}}}"


def _asks(source: str, destination: str, facts: str = "") -> str:
    return f"  - {{id: {source}-{destination}, connects: [{source}, {destination}]{facts}}}"
