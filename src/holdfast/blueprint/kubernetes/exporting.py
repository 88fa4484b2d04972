"""A blueprint as manifests: files by name, and what they cannot say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from holdfast.blueprint import Problem
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes.cilium_policies import cilium_policies
from holdfast.blueprint.kubernetes.declared import Declaration, Party, declaration
from holdfast.blueprint.kubernetes.errors import ManifestError
from holdfast.blueprint.kubernetes.gateway_routes import gateway_routes, unrouted
from holdfast.blueprint.kubernetes.network_policies import network_policies, policy_name, selected
from holdfast.blueprint.kubernetes.placement import Cluster
from holdfast.blueprint.kubernetes.writing import documents

Flavour: TypeAlias = Literal["networkpolicy", "cilium", "gateway"]
FLAVOURS: tuple[Flavour, ...] = ("networkpolicy", "cilium", "gateway")
_FILES: dict[Flavour, str] = {
    "networkpolicy": "network-policies.yaml",
    "cilium": "cilium-policies.yaml",
    "gateway": "gateway-routes.yaml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """Texts by name of file; a flavour with nothing to say has no file."""

    files: Mapping[str, str]
    notes: tuple[str, ...]


def export(system: System, cluster: Cluster, *, flavours: tuple[Flavour, ...]) -> Exported:
    """Manifests that permit what the blueprint declares, and nothing else. The same blueprint gives
    the same bytes."""
    declared = declaration(system, cluster)
    problems = tuple(_overlaps(declared))
    if problems:
        raise ManifestError(problems)
    files: dict[str, str] = {}
    notes = list(declared.notes)
    for flavour in flavours:
        text = _written(flavour, declared, system)
        if text:
            files[_FILES[flavour]] = _heading(system) + text
        else:
            notes.append(f"{_FILES[flavour]} is not written: nothing that is declared needs it")
        if flavour == "gateway":
            notes += unrouted(declared)
    return Exported(files=files, notes=tuple(notes))


def _written(flavour: Flavour, declared: Declaration, system: System) -> str:
    match flavour:
        case "networkpolicy":
            found = network_policies(declared, system=system.blueprint.name)
        case "cilium":
            found = cilium_policies(declared, system)
        case "gateway":
            found = gateway_routes(declared, system)
    return documents(list(found))


def _heading(system: System) -> str:
    blueprint = system.blueprint
    name = " ".join(blueprint.name.split())
    return (
        f"# What the blueprint {name} declares, as its network should permit it.\n"
        f"# Blueprint {blueprint.digest}\n"
        "# Written by `holdfast export kubernetes`: change the blueprint, not this file.\n---\n"
    )


def _overlaps(declared: Declaration) -> Iterator[Problem]:
    """Nodes whose pods could not be told apart: a rule for one would open the other."""
    holders: dict[tuple[str, str, str], list[Party]] = {}
    places = dict(selected(declared))
    for party, place in places.items():
        for key, value in place.labels.items():
            holders.setdefault((place.namespace, key, value), []).append(party)
    for party, place in places.items():
        keys = [(place.namespace, key, value) for key, value in place.labels.items()]
        rarest = min((holders[key] for key in keys), key=len)
        for other in rarest:
            if other != party and place.labels.items() <= places[other].labels.items():
                yield _overlap(party, other)


def _overlap(one: Party, other: Party) -> Problem:
    return Problem(
        file="blueprint",
        line=1,
        column=1,
        where=f"nodes.{policy_name(other).removeprefix('node-')}.metadata.kubernetes.labels",
        what=f"pods of {policy_name(other)} also carry the labels of {policy_name(one)}",
        fix="give each node labels of its own",
    )
