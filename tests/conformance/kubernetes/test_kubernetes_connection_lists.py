"""Permitted connections, held against the lists that another analysis publishes."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from published import published

from holdfast.blueprint.kubernetes import (
    EVERY_PORT,
    NO_PORT,
    Connectivity,
    Manifests,
    OutsideAccess,
    Ports,
    openings,
    read_manifests,
    rule_book,
)

FOLDER = published("kubernetes/netpol-analyzer/test_outputs/connlist").parents[1]
ENDING = "_connlist_output.txt"
OTHER_NETWORKS = ("cudn", "nad", "udn")
SUFFIXES = (".json", ".yaml", ".yml")
LINE = re.compile(r"(\S+) => (\S+) : (.*)")
CONTROLLER = "{ingress-controller}"

Listed = Mapping[tuple[str, str], str]


def names() -> Iterator[str]:
    for path in sorted((FOLDER / "test_outputs" / "connlist").glob(f"*{ENDING}")):
        name = path.name.removesuffix(ENDING)
        if (FOLDER / "tests" / name).is_dir() and not name.startswith(OTHER_NETWORKS):
            yield name


NAMES = tuple(names())


def listed(name: str) -> Listed:
    """Neighbouring ranges of addresses with the same ports are one: how they are cut says nothing."""
    text = (FOLDER / "test_outputs" / "connlist" / f"{name}{ENDING}").read_text()
    found: dict[tuple[str, str], str] = {}
    ranges: dict[tuple[str, str], dict[tuple[int, int], str]] = {}
    for line in text.splitlines():
        read = LINE.fullmatch(line)
        if read is None:
            continue
        source, destination, ports = read.groups()
        if source.endswith("[External]"):
            ranges.setdefault(("", destination), {})[_range(source)] = ports
        elif destination.endswith("[External]"):
            ranges.setdefault((source, ""), {})[_range(destination)] = ports
        else:
            found[source, destination] = ports
    return found | {ends: _joined(parts) for ends, parts in ranges.items()}


def _range(text: str) -> tuple[int, int]:
    low, _, high = text.removesuffix("[External]").partition("-")
    return int(IPv4Address(low)), int(IPv4Address(high))


def _joined(parts: Mapping[tuple[int, int], str]) -> str:
    whole: list[tuple[int, int, str]] = []
    for (low, high), ports in sorted(parts.items()):
        if whole and whole[-1][1] + 1 == low and whole[-1][2] == ports:
            whole[-1] = (whole[-1][0], high, ports)
        else:
            whole.append((low, high, ports))
    return str(whole)


def computed(manifests: Manifests) -> Listed:
    book = rule_book(manifests, holds_host_network=True)
    reach = Connectivity(book)
    titles = book.workloads
    found: dict[tuple[str, str], Ports] = {}
    for source, destination, ports in reach.pairs():
        ends = (titles[source], titles[destination])
        if ends[0] != ends[1]:
            found[ends] = found.get(ends, NO_PORT) | ports
    for opening in openings(manifests, holds_host_network=True):
        if opening.via.kind != "Service" and opening.ports:
            ends = (CONTROLLER, titles[opening.workload])
            found[ends] = found.get(ends, NO_PORT) | opening.ports
    outside: dict[tuple[str, str], str] = {}
    for number, title in enumerate(titles):
        outside |= _outside(("", title), reach.from_outside(number))
        outside |= _outside((title, ""), reach.to_outside(number))
    return {ends: said(ports) for ends, ports in found.items()} | outside


def _outside(ends: tuple[str, str], access: tuple[OutsideAccess, ...]) -> Listed:
    parts = {part: said(each.ports) for each in access for part in each.addresses.v4}
    return {ends: _joined(parts)} if parts else {}


def said(ports: Ports) -> str:
    return "All Connections" if ports == EVERY_PORT else str(ports).replace(", ", ",")


def manifests_in(folder: Path) -> Manifests:
    files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    return read_manifests({str(path.relative_to(folder)): path.read_text() for path in files})


@pytest.mark.parametrize("name", NAMES)
def test_the_connections_are_those_that_the_other_analysis_lists(name: str) -> None:
    assert computed(manifests_in(FOLDER / "tests" / name)) == listed(name)
