"""Layers of a graph, and an order in each that lets few lines cross."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

BENDS_MAX = 4_000
"""Past this many bends, long edges run straight: a map that dense is read by its text."""
SWEEPS = 8
_PATIENCE = 2

Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """``rows`` are the layers from left to right, of nodes and bends; ``neighbours`` are in the
    layers next to it; ``chains`` are the bends of each edge, from its source on."""

    rows: tuple[tuple[str, ...], ...]
    neighbours: Mapping[str, tuple[str, ...]]
    chains: tuple[tuple[str, ...], ...]


def layered(names: Sequence[str], pairs: Sequence[Pair]) -> Layers:
    """Nodes in layers by longest path; every edge in pieces that join neighbouring layers."""
    onward = _without_cycles(names, pairs)
    depth = _longest_paths(names, onward)
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in names:
        rows[depth[name]].append(name)
    spans = sum(max(depth[b] - depth[a] - 1, 0) for a, b in onward)
    chains: list[tuple[str, ...]] = []
    neighbours: dict[str, list[str]] = {name: [] for name in names}
    for number, (start, end) in enumerate(onward):
        inner = range(depth[start] + 1, depth[end]) if spans <= BENDS_MAX else range(0)
        bends = [f"{number}/{layer}" for layer in inner]
        for layer, bend in zip(inner, bends, strict=True):
            rows[layer].append(bend)
            neighbours[bend] = []
        if start != end and depth[end] - depth[start] == len(bends) + 1:
            _join(neighbours, [start, *bends, end])
        turned = (start, end) != pairs[number]
        chains.append(tuple(reversed(bends)) if turned else tuple(bends))
    return Layers(
        rows=tuple(tuple(row) for row in rows),
        neighbours={name: tuple(near) for name, near in neighbours.items()},
        chains=tuple(chains),
    )


def _join(neighbours: dict[str, list[str]], chain: Sequence[str]) -> None:
    for one, other in pairwise(chain):
        neighbours[one].append(other)
        neighbours[other].append(one)


def _without_cycles(names: Sequence[str], pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs, those that would close a cycle turned around (depth first, in given order)."""
    out: dict[str, list[int]] = {name: [] for name in names}
    for number, (start, _) in enumerate(pairs):
        out[start].append(number)
    onward = list(pairs)
    entered: set[str] = set()
    open_: set[str] = set()
    for root in names:
        if root in entered:
            continue
        entered.add(root)
        open_.add(root)
        trail = [(root, iter(out[root]))]
        while trail:
            name, rest = trail[-1]
            number = next(rest, None)
            if number is None:
                open_.discard(name)
                trail.pop()
                continue
            end = pairs[number][1]
            if end in open_:
                onward[number] = (end, name)
            elif end not in entered:
                entered.add(end)
                open_.add(end)
                trail.append((end, iter(out[end])))
    return onward


def _longest_paths(names: Sequence[str], pairs: Sequence[Pair]) -> dict[str, int]:
    """How many edges the longest way to each node has; pairs form no cycle but self-loops."""
    out: dict[str, list[str]] = {name: [] for name in names}
    waiting = dict.fromkeys(names, 0)
    for start, end in pairs:
        if start != end:
            out[start].append(end)
            waiting[end] += 1
    depth = dict.fromkeys(names, 0)
    ready = [name for name in names if waiting[name] == 0]
    while ready:
        name = ready.pop()
        for end in out[name]:
            depth[end] = max(depth[end], depth[name] + 1)
            waiting[end] -= 1
            if waiting[end] == 0:
                ready.append(end)
    return depth


def ordered(layers: Layers, *, kin: Mapping[str, str]) -> Layers:
    """The same layers, each in the order found to cross least; ``kin`` stand together."""
    rows = [list(row) for row in layers.rows]
    best, fewest, unchanged = [list(row) for row in rows], crossings(rows, layers.neighbours), 0
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        numbers = range(1, len(rows)) if forward else range(len(rows) - 2, -1, -1)
        for number in numbers:
            fixed = number - 1 if forward else number + 1
            rows[number] = _by_barycenter(
                rows[number], rows[fixed], neighbours=layers.neighbours, kin=kin
            )
        found = crossings(rows, layers.neighbours)
        # The first two sweeps bring kin together in every layer: worth a crossing.
        together = bool(kin) and sweep < 2
        if found < fewest or together:
            best, fewest, unchanged = [list(row) for row in rows], found, 0
        else:
            unchanged += 1
        if (fewest == 0 and not together) or unchanged > _PATIENCE:
            break
    return Layers(
        rows=tuple(tuple(row) for row in best),
        neighbours=layers.neighbours,
        chains=layers.chains,
    )


def _by_barycenter(
    row: Sequence[str],
    still: Sequence[str],
    *,
    neighbours: Mapping[str, tuple[str, ...]],
    kin: Mapping[str, str],
) -> list[str]:
    """One layer sorted by the mean place of its neighbours in the layer that stays."""
    place = {name: i for i, name in enumerate(still)}
    means: dict[str, float] = {}
    families: dict[str, list[float]] = {}
    for i, name in enumerate(row):
        near = [place[other] for other in neighbours[name] if other in place]
        means[name] = sum(near) / len(near) if near else i
        families.setdefault(kin.get(name, name), []).append(means[name])
    centre = {family: sum(m) / len(m) for family, m in families.items()}

    def key(name: str) -> tuple[float, str, float]:
        return centre[kin.get(name, name)], kin.get(name, ""), means[name]

    return sorted(row, key=key)


def crossings(rows: Sequence[Sequence[str]], neighbours: Mapping[str, tuple[str, ...]]) -> int:
    """How many pairs of pieces cross between neighbouring layers."""
    total = 0
    for left, right in pairwise(rows):
        place = {name: i for i, name in enumerate(right)}
        ends = [
            end
            for name in left
            for end in sorted(place[other] for other in neighbours[name] if other in place)
        ]
        total += _inversions(ends, len(right))
    return total


def _inversions(ends: Sequence[int], size: int) -> int:
    """Pairs out of order, counted with a Fenwick tree in n log n."""
    tree = [0] * (size + 1)
    total = 0
    for seen, end in enumerate(ends):
        at, before = end + 1, 0
        while at:
            before += tree[at]
            at &= at - 1
        total += seen - before
        at = end + 1
        while at <= size:
            tree[at] += 1
            at += at & -at
    return total
