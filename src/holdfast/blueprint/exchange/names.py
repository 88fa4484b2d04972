"""Ids of CALM, which may be any text, and ids of a blueprint, which may not.

Ids that a blueprint can use stay; the others are made usable, each with one of its own. The first
come first, so the same document always gives the same ids.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from holdfast.blueprint.spelling import ID_PATTERN

ID_LENGTH_MAX = 63
_ID = re.compile(ID_PATTERN[:-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Both ways: of nodes, interfaces and relationships, which share a namespace; and of flows.

    ``hinted`` are those that CALM's id alone does not give, so that the document must say them.
    """

    ours: Mapping[str, str] = field(default_factory=dict[str, str])
    theirs: Mapping[str, str] = field(default_factory=dict[str, str])
    flows_ours: Mapping[str, str] = field(default_factory=dict[str, str])
    flows_theirs: Mapping[str, str] = field(default_factory=dict[str, str])
    hinted: frozenset[str] = frozenset()
    flows_hinted: frozenset[str] = frozenset()

    def our(self, name: str) -> str:
        return self.ours.get(name, name)

    def their(self, name: str) -> str:
        return self.theirs.get(name, name)


def is_usable(name: str) -> bool:
    return _ID.fullmatch(name) is not None


def derived(
    names: Iterable[str], *, hints: Mapping[str, str], taken: Iterable[str] = ()
) -> dict[str, str]:
    """A usable id for each, all different: as hinted, else itself, else made of its letters."""
    names = list(dict.fromkeys(names))
    used = set(taken)
    found: dict[str, str] = {}
    for name in names:
        if name in hints and hints[name] not in used and is_usable(hints[name]):
            found[name] = hints[name]
            used.add(hints[name])
    for name in names:
        if name not in found and is_usable(name) and name not in used:
            found[name] = name
            used.add(name)
    for name in names:
        if name not in found:
            found[name] = _unused(slug(name) or "part", used)
            used.add(found[name])
    return {name: found[name] for name in names}


def names_of(
    pairs: Mapping[str, str],
    flows: Mapping[str, str],
    *,
    order: Iterable[str],
    flow_order: Iterable[str],
    nodes: Iterable[str],
) -> Names:
    """Both ways of what each is called: ``pairs`` and ``flows`` are CALM's ids with ours; ``order``
    and ``flow_order`` all of CALM's, as the document has them; ``nodes`` our ids of nodes, from
    which those of flows differ."""
    return Names(
        ours=pairs,
        theirs={ours: theirs for theirs, ours in pairs.items()},
        flows_ours=flows,
        flows_theirs={ours: theirs for theirs, ours in flows.items()},
        hinted=_hinted(pairs, tuple(order)),
        flows_hinted=_hinted(flows, tuple(flow_order), taken=tuple(nodes)),
    )


def _hinted(
    pairs: Mapping[str, str], order: tuple[str, ...], *, taken: Iterable[str] = ()
) -> frozenset[str]:
    """Our ids that CALM's do not give by themselves."""
    hints: dict[str, str] = {}
    while True:
        given = derived(order, hints=hints, taken=taken)
        missed = {
            theirs: ours
            for theirs, ours in pairs.items()
            if theirs not in hints and given[theirs] != ours
        }
        if not missed:
            return frozenset(hints.values())
        hints.update(missed)


def slug(text: str, *, kept: str = "") -> str:
    """Small letters, digits and dashes made of any text; empty where none can be."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(rf"[^a-z0-9{kept}]+", "-", plain).strip(f"-{kept}")[:ID_LENGTH_MAX].strip("-")


def _unused(name: str, used: set[str]) -> str:
    if name not in used:
        return name
    number = 2
    while f"{name[: ID_LENGTH_MAX - len(str(number)) - 1]}-{number}" in used:
        number += 1
    return f"{name[: ID_LENGTH_MAX - len(str(number)) - 1]}-{number}"
