"""The questions of ``holdfast prove``: about flows, guards, the network, the gateway's policies."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from holdfast.app.clusters import load_manifests
from holdfast.app.policies import compare_policies, policy_at
from holdfast.app.rego import RegoProcess
from holdfast.app.reviewing import declared_in, read_declared
from holdfast.blueprint.blast import Assumptions, Equations, load_z3
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes import (
    ENTRANCE,
    NO_PORT,
    Binding,
    Declaration,
    Manifests,
    Ports,
    bind,
    cluster_in,
    declaration,
    rule_book,
)
from holdfast.blueprint.proofs import (
    Enforced,
    Outcome,
    Proof,
    declared_within_enforced,
    enforced_within_declared,
    guarded,
    survives,
)
from holdfast.core import Progress, untold
from holdfast.policy import Difference, Finding, Policy, compare

Property: TypeAlias = Literal["network", "policies", "guarded", "survives", "narrower"]
PROPERTIES: tuple[Property, ...] = ("network", "policies", "guarded", "survives", "narrower")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToProve:
    """What to prove of ``file``. ``manifests`` are what the network enforces; ``old`` is a bundle
    or blueprint that the policies in force must not go beyond."""

    file: Path
    properties: tuple[Property, ...] = ()
    flows: tuple[str, ...] = ()
    faults: int = 1
    manifests: tuple[Path, ...] = ()
    namespace: str | None = None
    direct: bool = False
    old: Path | None = None


def prove(asked: ToProve, *, progress: Progress = untold) -> tuple[Proof, ...]:
    """The answers. A property that is asked for by name and lacks its input is not proven; without
    names all are tried that have what they need. ``progress`` hears of answers."""
    load_z3()
    system = System(declared_in(read_declared(asked.file), asked.file))
    found: list[Proof] = []
    for proof in _all(asked, system):
        found.append(proof)
        progress(len(found), 0)
    return tuple(found)


def _all(asked: ToProve, system: System) -> Iterator[Proof]:
    wanted = asked.properties or PROPERTIES
    if "policies" in wanted:
        yield _policies(asked, system)
    if "guarded" in wanted:
        yield from guarded(system)
    if "survives" in wanted:
        equations = Equations(system, Assumptions())
        for flow in asked.flows or [flow.id for flow in system.flows]:
            yield survives(system, flow, faults=asked.faults, equations=equations)
    if "network" in wanted and (asked.manifests or asked.properties):
        yield from _network(asked, system)
    if "narrower" in wanted and (asked.old or asked.properties):
        yield _narrower(asked)


def _missing(rule: str, subject: str, *, claim: str, what: str) -> Proof:
    return Proof(
        rule=rule,
        subject=subject,
        claim=claim,
        outcome=Outcome.NOT_PROVEN,
        how="nothing",
        what=what,
    )


def _policies(asked: ToProve, system: System) -> Proof:
    """The gateway enforces no more than is declared: its policies against the declaration alone."""
    actual = policy_at(asked.file)
    bare = Policy.compile(replace(system.blueprint, policies=()), rego=RegoProcess)
    return _widened(
        compare(bare, actual),
        rule="policies-within-declared",
        subject="policies",
        claim="the gateway's policies permit no call that is not declared",
    )


def _narrower(asked: ToProve) -> Proof:
    claim = "the policies permit nothing that the old ones did not"
    if asked.old is None:
        what = "needs --old: a bundle or a blueprint to compare with"
        return _missing("narrower", "policies", claim=claim, what=what)
    difference = compare_policies(asked.old, asked.file, asked.file)
    return _widened(difference, rule="narrower", subject="policies", claim=claim)


def _widened(difference: Difference, *, rule: str, subject: str, claim: str) -> Proof:
    """From a comparison of policies. Its findings are the engine's own decisions."""
    wider = [each for each in difference.findings if each.change in ("permits", "loosens")]
    outcome, what = Outcome.PROVED, "for every declared call and all facts"
    if wider:
        outcome, what = Outcome.REFUTED, f"{len(wider)} kinds of call are permitted more widely"
    elif difference.enumerated:
        outcome = Outcome.NOT_PROVEN
        what = f"tried, not analysed: {difference.enumerated[0].reason}"
    return Proof(
        rule=rule,
        subject=subject,
        claim=claim,
        outcome=outcome,
        how="engine" if difference.enumerated else "z3",
        what=what,
        example=tuple(_told(each) for each in wider),
        nodes=tuple(dict.fromkeys(n for e in wider for n in (e.principal, e.resource))),
        size=f"{difference.analysed + len(difference.enumerated)} calls",
    )


def _told(each: Finding) -> str:
    known = each.facts._asdict()
    usual = type(each.facts)()._asdict()
    facts = ", ".join(f"{name}={known[name]}" for name in known if known[name] != usual[name])
    what = "permitted" if each.change == "permits" else "permitted with fewer obligations"
    call = f"{each.principal} may {each.action} {each.resource}"
    return f"{call}: {what}" + (f" with {facts}" if facts else "")


def _network(asked: ToProve, system: System) -> Iterator[Proof]:
    if not asked.manifests:
        claim = "everything that the network permits is declared"
        what = "needs --manifests: what the cluster enforces"
        yield _missing("enforced-within-declared", "network", claim=claim, what=what)
        return
    manifests = load_manifests(asked.manifests)
    cluster = cluster_in(
        manifests, system.blueprint, namespace=asked.namespace, direct=asked.direct
    )
    declared = declaration(system, cluster)
    binding = bind(manifests, declared)
    book = rule_book(manifests)
    pairs = _pairs(manifests, declared, binding)
    # Workloads of others are judged where ours meet them, and not among themselves.
    enforced = Enforced(book=book, declared=pairs, strangers=frozenset(binding.elsewhere))
    yield enforced_within_declared(enforced)
    yield declared_within_enforced(enforced)


def _pairs(
    manifests: Manifests, declared: Declaration, binding: Binding
) -> dict[tuple[int, int], Ports]:
    found: dict[tuple[int, int], Ports] = {}
    entrance = declared.cluster.entrance
    from_outside = [i for i, w in enumerate(manifests.workloads) if w.namespace == entrance]
    for each in declared.wanted:
        sources: Iterable[int] = binding.workloads_of(each.source)
        if each.source == ENTRANCE:
            sources = from_outside
        for source in sources:
            for destination in binding.workloads_of(each.destination):
                key = (source, destination)
                found[key] = found.get(key, NO_PORT) | each.ports
    return found
