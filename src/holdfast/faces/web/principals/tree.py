"""How authority came down: from a person to an agent, and from it to others. Pure.

Read off calls: each says from whom its caller holds its authority, root first. What was handed on and
never used left no call, and is not in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.faces.web.words import day_and_minute, short_name
from holdfast.history import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One holder: ``depth`` steps below its root, with what it did itself."""

    name: str
    principal: str
    depth: int
    calls: int
    last: str
    last_call: str


def tree_of(calls: Iterable[Call]) -> tuple[Branch, ...]:
    """Every way that authority took, parents before children; the newest calls come first."""
    counts: dict[tuple[str, ...], int] = {}
    newest: dict[tuple[str, ...], Call] = {}
    for call in calls:
        if not call.chain or call.principal is None:
            continue
        way = (*call.chain, call.principal)
        counts[way] = counts.get(way, 0) + 1
        newest.setdefault(way, call)
    ways = {way[:end] for way in counts for end in range(1, len(way) + 1)}
    return tuple(_branch(way, counts.get(way, 0), newest.get(way)) for way in sorted(ways))


def _branch(way: tuple[str, ...], calls: int, last: Call | None) -> Branch:
    principal = way[-1]
    return Branch(
        name=principal if principal.startswith("user:") else short_name(principal) or principal,
        principal=principal,
        depth=len(way) - 1,
        calls=calls,
        last=day_and_minute(last.at) if last is not None else "",
        last_call=last.call if last is not None else "",
    )
