"""What a call asks for, and whether authorities cover it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from holdfast.core import Instant
from holdfast.identity.authority.authority import (
    TAINT_MAX,
    Authority,
    AuthorityType,
    Classification,
)

_SECOND = 1_000_000
_NO_ARGUMENTS: Mapping[str, object] = MappingProxyType({})


class Ask(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call, as far as authorities speak of it. What is not told counts as the worst.

    ``descriptor`` is the SHA-256 (hex) of the tool's descriptor as it is now; ``args`` are the
    decoded arguments; ``tokens`` and ``usd_micro`` the most that this call may use.
    """

    type: AuthorityType
    location: str
    action: str
    now: Instant
    tool: str | None = None
    descriptor: str | None = None
    model: str | None = None
    args: Mapping[str, object] = _NO_ARGUMENTS
    tokens: int = 0
    usd_micro: int = 0
    taint: int = TAINT_MAX
    data: Classification = Classification.restricted


class Constraint(StrEnum):
    """What of an authority refuses a call: stable words, in the order in which they are tried."""

    none = "authority.none"
    type = "authority.type"
    location = "authority.location"
    action = "authority.action"
    tool = "authority.tool"
    descriptor = "authority.descriptor"
    model = "authority.model"
    argument = "authority.argument"
    taint = "authority.taint"
    data = "authority.data"
    calls = "authority.calls"
    tokens = "authority.tokens"
    cost = "authority.cost"
    expired = "authority.expired"


class Uncovered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """No authority covers the call. ``by`` is what refused in the one that came nearest to it;
    ``argument`` names the argument when it was one; ``index`` counts the authorities from 0."""

    by: Constraint
    index: int = 0
    argument: str | None = None


def covers(authorities: Iterable[Authority], ask: Ask) -> Uncovered | None:
    """None when one of the authorities allows everything that is asked; else why none does."""
    nearest, rank = Uncovered(by=Constraint.none), 0
    for index, authority in enumerate(authorities):
        by = _refusing(authority, ask)
        if by is None:
            return None
        if _RANKS[by] > rank:
            rank = _RANKS[by]
            nearest = Uncovered(by=by, index=index, argument=_named(by, authority, ask))
    return nearest


def covering(authorities: Iterable[Authority], ask: Ask) -> int | None:
    """Which authority, counted from 0, covers the call first: the one whose amounts it uses up."""
    for index, authority in enumerate(authorities):
        if _refusing(authority, ask) is None:
            return index
    return None


def _refusing(authority: Authority, ask: Ask) -> Constraint | None:
    """The first constraint that refuses. The order is part of what ``Uncovered`` promises."""
    if authority.type != ask.type:
        return Constraint.type
    if ask.location not in authority.locations:
        return Constraint.location
    if ask.action not in authority.actions:
        return Constraint.action
    if authority.tools is not None and (by := _tool_refusing(authority.tools, ask)):
        return by
    if authority.models is not None and ask.model not in authority.models:
        return Constraint.model
    if authority.args and _argument_refusing(authority, ask) is not None:
        return Constraint.argument
    if authority.taint_max is not None and not 0 <= ask.taint <= authority.taint_max:
        return Constraint.taint
    if authority.data_max is not None and ask.data > authority.data_max:
        return Constraint.data
    if by := _amount_refusing(authority, ask):
        return by
    if authority.not_after is not None and ask.now >= authority.not_after * _SECOND:
        return Constraint.expired
    return None


def _tool_refusing(tools: frozenset[str], ask: Ask) -> Constraint | None:
    name = ask.tool
    if name is not None and "@" not in name:
        if name in tools or f"{name}@{ask.descriptor}" in tools:
            return None
        if any(tool.startswith(f"{name}@") for tool in tools):
            return Constraint.descriptor
    return Constraint.tool


def _argument_refusing(authority: Authority, ask: Ask) -> str | None:
    """A limited argument must be there: what a tool puts in its place is nobody's promise."""
    args = ask.args
    for name, limit in authority.args:
        if name not in args or not limit.permits(args[name]):
            return name
    return None


def _amount_refusing(authority: Authority, ask: Ask) -> Constraint | None:
    """One call against the whole allowance; what was used before is the budget's to know."""
    held = authority.max
    if held.calls is not None and held.calls < 1:
        return Constraint.calls
    if held.tokens is not None and not 0 <= ask.tokens <= held.tokens:
        return Constraint.tokens
    if held.usd_micro is not None and not 0 <= ask.usd_micro <= held.usd_micro:
        return Constraint.cost
    return None


def _named(by: Constraint, authority: Authority, ask: Ask) -> str | None:
    return _argument_refusing(authority, ask) if by is Constraint.argument else None


_RANKS = MappingProxyType({constraint: rank for rank, constraint in enumerate(Constraint)})
