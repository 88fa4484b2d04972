"""Permitted against declared: what the network lets through that nobody declared (P1), and what was
declared and cannot pass (P2). Every difference comes with one connection that shows it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice

from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes.addresses import EVERY_ADDRESS, Addresses
from holdfast.blueprint.kubernetes.binding import Binding, bind, numbers_by_party, stand_in
from holdfast.blueprint.kubernetes.connectivity import Connectivity
from holdfast.blueprint.kubernetes.declared import (
    DNS_PORTS,
    ENTRANCE,
    GATEWAY,
    Declaration,
    Party,
    Wanted,
    declaration,
)
from holdfast.blueprint.kubernetes.documents import Item
from holdfast.blueprint.kubernetes.manifests import Manifests
from holdfast.blueprint.kubernetes.network_policies import namespaces, selected
from holdfast.blueprint.kubernetes.placement import Cluster, Outside
from holdfast.blueprint.kubernetes.ports import NO_PORT, Ports, union_of
from holdfast.blueprint.kubernetes.representatives import (
    ANY_NAMESPACE,
    ANY_POD,
    representatives,
)
from holdfast.blueprint.kubernetes.rules import Direction, RuleBook
from holdfast.blueprint.kubernetes.settling import rule_book
from holdfast.blueprint.kubernetes.workloads import Workload

DIFFERENCES_MAX = 2_000
_DNS_LABELS = ("k8s-app", "kube-dns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One way in which the network and the blueprint disagree.

    ``ports`` are those in excess, or lacking; ``example`` is one connection, in words;
    ``because`` names the rules that permit it, or the relationships that declare it.
    """

    source: str
    destination: str
    ports: Ports
    example: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``excess`` empty: what is permitted is declared (P1). ``lack`` empty: what is declared is
    permitted (P2). Both hold only as far as ``unjudged`` (objects that restrict or open the network
    in ways not evaluated here) leaves them; then neither is decided."""

    excess: tuple[Difference, ...]
    lack: tuple[Difference, ...]
    binding: Binding
    workloads: tuple[str, ...]
    unjudged: tuple[Item, ...]
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not (self.excess or self.lack or self.unjudged)


@dataclass(frozen=True)
class _Ground:
    """The cluster with what is not there yet: a stand-in for each declared node without a workload,
    for the gateway, for the entrance, and a stranger in each namespace."""

    reach: Connectivity
    shapes: tuple[Workload, ...]
    party_of: Mapping[int, Party]
    strangers: frozenset[int]
    is_cut: bool

    @property
    def book(self) -> RuleBook:
        return self.reach.book

    def numbers_of(self, party: Party) -> tuple[int, ...]:
        return self._numbers.get(party, ())

    @cached_property
    def _numbers(self) -> Mapping[Party, tuple[int, ...]]:
        return numbers_by_party(self.party_of)


def compare(
    manifests: Manifests, system: System, cluster: Cluster, *, holds_host_network: bool = False
) -> Comparison:
    """What the manifests permit against what the blueprint declares for the cluster."""
    declared = declaration(system, cluster)
    binding = bind(manifests, declared)
    ground = _ground(manifests, declared, binding, holds_host_network=holds_host_network)
    excess = chain(_excess(ground, declared), _excess_outside(ground, declared))
    first, more = _first(excess)
    lack, more_lack = _first(_lack(ground, declared))
    cut = [f"only the first {DIFFERENCES_MAX} differences of a kind are told"]
    untried = ["policies name more kinds of pods than are tried: there may be more excess"]
    return Comparison(
        excess=first,
        lack=lack,
        binding=binding,
        workloads=tuple(each.title for each in manifests.workloads),
        unjudged=manifests.unjudged,
        notes=(
            *declared.notes,
            *_names(declared),
            *(cut if more or more_lack else ()),
            *(untried if ground.is_cut else ()),
        ),
    )


def _first(found: Iterator[Difference]) -> tuple[tuple[Difference, ...], bool]:
    """As many as are told, and whether there are more."""
    told = tuple(islice(found, DIFFERENCES_MAX))
    return told, next(found, None) is not None


def _names(declared: Declaration) -> Iterator[str]:
    for each in declared.wanted:
        place = declared.places.get(each.destination) if isinstance(each.destination, str) else None
        if isinstance(place, Outside) and place.names:
            yield (
                f"{name_of(each.source)} may reach {', '.join(place.names)}: a NetworkPolicy knows "
                "addresses only, so any public one counts as declared there"
            )


def _ground(
    manifests: Manifests, declared: Declaration, binding: Binding, *, holds_host_network: bool
) -> _Ground:
    cluster = declared.cluster
    also: list[Workload] = []
    parties: dict[int, Party] = dict(binding.party_of)
    strangers: set[int] = set(binding.unknown) | set(binding.elsewhere) | set(binding.ambiguous)
    first = len(manifests.workloads)
    for place in declared.inside():
        if place.node in binding.unrealised:
            parties[first + len(also)] = place.node
            also.append(stand_in(place))
    if declared.has_gateway and not binding.workloads_of(GATEWAY):
        parties[first + len(also)] = GATEWAY
        also.append(_some("holdfast", cluster.gateway_namespace, cluster.gateway_labels))
    parties[first + len(also)] = ENTRANCE
    also.append(_some("entrance", cluster.entrance, {}))
    for space in (*namespaces(declared), ANY_NAMESPACE):
        strangers.add(first + len(also))
        also.append(_some(ANY_POD, space, {}))
    named = representatives(manifests, beside=also)
    for pod in named.pods:
        party = _party_of(pod, declared)
        if party is None:
            strangers.add(first + len(also))
        elif party == ENTRANCE:
            parties[first + len(also)] = party
        else:
            # A node's pods carry more labels than the one selector asks for: they are there already.
            continue
        also.append(pod)
    whole = replace(manifests, namespaces={**named.namespaces, **manifests.namespaces})
    book = rule_book(whole, also=also, holds_host_network=holds_host_network)
    shapes = (*manifests.workloads, *also)
    return _Ground(Connectivity(book), shapes, parties, frozenset(strangers), named.is_cut)


def _party_of(pod: Workload, declared: Declaration) -> Party | None:
    """Which node a pod that is not there would be, by its labels."""
    for party, place in selected(declared):
        if place.namespace == pod.namespace and place.labels.items() <= pod.labels.items():
            return party
    return ENTRANCE if pod.namespace == declared.cluster.entrance else None


def _some(name: str, namespace: str, labels: Mapping[str, str]) -> Workload:
    return Workload(namespace=namespace, name=name, kind="", labels=labels)


def _excess(ground: _Ground, declared: Declaration) -> Iterator[Difference]:
    wanted = declared.ports
    for source, destination, ports in ground.reach.pairs():
        one, other = ground.party_of.get(source), ground.party_of.get(destination)
        # Of connections among strangers the blueprint says nothing; a node's pods are one node.
        if other in (one, ENTRANCE) or (other is None and one in (None, ENTRANCE)):
            continue
        allowed = NO_PORT
        if one is not None and other is not None:
            allowed = wanted.get((one, other), NO_PORT)
        if _is_dns(ground.shapes[destination]):
            allowed = allowed | DNS_PORTS
        over = ports - allowed
        if over:
            yield _permitted(ground, source, destination, over)


def _is_dns(workload: Workload) -> bool:
    key, value = _DNS_LABELS
    return workload.labels.get(key) == value


def _permitted(ground: _Ground, source: int, destination: int, over: Ports) -> Difference:
    one, other = ground.book.workloads[source], ground.book.workloads[destination]
    return Difference(
        source=_said(ground, source),
        destination=_said(ground, destination),
        ports=over,
        example=f"{one} -> {other} {_port(over)}",
        because=tuple(_reasons(ground, source, destination, over)),
    )


def _said(ground: _Ground, number: int) -> str:
    party = ground.party_of.get(number)
    return ground.book.workloads[number] if party is None else name_of(party)


def name_of(party: Party) -> str:
    if party == GATEWAY:
        return "the gateway"
    return "outside" if party == ENTRANCE else str(party)


def _port(ports: Ports) -> str:
    found = ports.example()
    return "" if found is None else f"{found[0]} {found[1]}"


def _reasons(ground: _Ground, source: int, destination: int, over: Ports) -> Iterator[str]:
    """Why a connection passes: at each end the rules that let it, or that none holds it there. Of
    ends that only stand for others nothing is said but their rules."""
    yield from _lets(ground, "egress", source, peer=destination, over=over)
    yield from _lets(ground, "ingress", destination, peer=source, over=over)


def _lets(
    ground: _Ground, way: Direction, subject: int, *, peer: int, over: Ports
) -> Iterator[str]:
    book = ground.book
    met = [
        rule.origin
        for rule in book.rules_of(way, subject)
        if peer in rule.peers and rule.action == "allow" and rule.ports & over
    ]
    if met:
        yield from dict.fromkeys(met)
    elif ground.shapes[subject].kind:
        yield f"no policy isolates the {way} of {book.workloads[subject]}"


def _excess_outside(ground: _Ground, declared: Declaration) -> Iterator[Difference]:
    for number, party in ground.party_of.items():
        if party == ENTRANCE:
            continue
        into = [(EVERY_ADDRESS, _ports(declared, ENTRANCE, party))]
        for access in ground.reach.from_outside(number):
            over = _beyond(access.addresses, access.ports, into)
            if over is not None:
                yield _outside(ground, number, over, arriving=True)
        out = list(_outer(declared, party))
        for access in ground.reach.to_outside(number):
            over = _beyond(access.addresses, access.ports, out)
            if over is not None:
                yield _outside(ground, number, over, arriving=False)


def _ports(declared: Declaration, source: Party, destination: Party) -> Ports:
    return declared.ports.get((source, destination), NO_PORT)


def _outer(declared: Declaration, source: Party) -> Iterator[tuple[Addresses, Ports]]:
    """The addresses outside that ``source`` is declared to reach."""
    for each in declared.wanted:
        if each.source != source or not isinstance(each.destination, str):
            continue
        place = declared.places[each.destination]
        if isinstance(place, Outside):
            yield place.addresses, each.ports


def _beyond(
    addresses: Addresses, ports: Ports, allowed: Iterable[tuple[Addresses, Ports]]
) -> tuple[Addresses, Ports] | None:
    """The first part of what is permitted that is not allowed."""
    left: list[tuple[Addresses, Ports]] = [(addresses, ports)]
    for where, what in allowed:
        rest: list[tuple[Addresses, Ports]] = []
        for part, over in left:
            rest += [(part - where, over), (part & where, over - what)]
        left = [(part, over) for part, over in rest if part and over]
    return left[0] if left else None


def _outside(
    ground: _Ground, number: int, over: tuple[Addresses, Ports], *, arriving: bool
) -> Difference:
    addresses, ports = over
    own = ground.book.workloads[number]
    ends = (str(addresses), _said(ground, number))
    some = str(addresses).partition(",")[0].partition("-")[0]
    some = "192.0.2.1" if some == "any address" else some
    way: Direction = "ingress" if arriving else "egress"
    met = [
        rule.origin
        for rule in ground.book.rules_of(way, number)
        if rule.outside & addresses and rule.action == "allow" and rule.ports & ports
    ]
    first, last = (some, own) if arriving else (own, some)
    return Difference(
        source=ends[0] if arriving else ends[1],
        destination=ends[1] if arriving else ends[0],
        ports=ports,
        example=f"{first} -> {last} {_port(ports)}",
        because=tuple(dict.fromkeys(met)) or (f"no policy isolates the {way} of {own}",),
    )


def _lack(ground: _Ground, declared: Declaration) -> Iterator[Difference]:
    for each in declared.wanted:
        sources = ground.numbers_of(each.source)
        faults = [(source, _missing(ground, declared, source, each)) for source in sources]
        # One pod of the entrance that gets through is enough; of a node every pod must.
        if each.source == ENTRANCE and any(found is None for _, found in faults):
            continue
        told = next(((source, found) for source, found in faults if found is not None), None)
        if told is not None:
            source, (where, lacking) = told
            yield Difference(
                source=name_of(each.source),
                destination=name_of(each.destination),
                ports=lacking,
                example=f"{ground.book.workloads[source]} -> {where} {_port(lacking)}",
                because=each.because,
            )


def _missing(
    ground: _Ground, declared: Declaration, source: int, wanted: Wanted
) -> tuple[str, Ports] | None:
    """The first end of the destination that cannot be reached on all ports, and on which."""
    end = wanted.destination
    place = declared.places.get(end) if isinstance(end, str) else None
    if isinstance(place, Outside):
        return _missing_outside(ground, source, place, wanted.ports)
    for number in ground.numbers_of(end):
        lacking = wanted.ports - ground.reach.between(source, number)
        if lacking:
            return ground.book.workloads[number], lacking
    return None


def _missing_outside(
    ground: _Ground, source: int, place: Outside, ports: Ports
) -> tuple[str, Ports] | None:
    reachable = [(each.addresses, each.ports) for each in ground.reach.to_outside(source)]
    if place.names:
        # Which addresses a name stands for is not known here: some public one must do.
        some = union_of(let for where, let in reachable if where & place.addresses)
        lacking = ports - some
        return (",".join(place.names), lacking) if lacking else None
    beyond = _beyond(place.addresses, ports, reachable)
    return None if beyond is None else (str(beyond[0]), beyond[1])
