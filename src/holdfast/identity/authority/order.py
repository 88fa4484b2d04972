"""The order of authorities: which is within which, and the widest within both (the meet).

Each member of an authority is a set of things it allows, and a member that is missing allows all.
So meeting is member by member, and a member whose meet is empty leaves no authority at all.
"""

from collections.abc import Iterable

from holdfast.identity.authority.arguments import (
    ArgumentLimit,
    is_argument_within,
    meet_arguments,
)
from holdfast.identity.authority.authority import (
    Allowance,
    Authority,
    Classification,
    tool_permits,
)


def meet(one: Authority, other: Authority) -> Authority | None:
    """The widest authority within both; None when nothing is.

    Associative, commutative, idempotent and monotone. It covers a call exactly when both do.
    """
    locations, actions = one.locations & other.locations, one.actions & other.actions
    if one.type != other.type or not locations or not actions:
        return None
    tools = _meet_tools(one.tools, other.tools)
    models = _meet_sets(one.models, other.models)
    args = _meet_args(one.args, other.args)
    if args is None or tools == frozenset() or models == frozenset():
        return None
    return Authority(
        type=one.type,
        locations=locations,
        actions=actions,
        tools=tools,
        models=models,
        args=args,
        max=_meet_allowances(one.max, other.max),
        taint_max=_least(one.taint_max, other.taint_max),
        data_max=_meet_data(one.data_max, other.data_max),
        not_after=_least(one.not_after, other.not_after),
    )


def is_within(child: Authority, parent: Authority) -> bool:
    """Whether the child allows nothing that the parent does not: no member wider, none missing."""
    return (
        child.type == parent.type
        and child.locations <= parent.locations
        and child.actions <= parent.actions
        and _are_tools_within(child.tools, parent.tools)
        and (parent.models is None or (child.models is not None and child.models <= parent.models))
        and _are_args_within(child.args, parent.args)
        and _is_at_most(child.max.calls, parent.max.calls)
        and _is_at_most(child.max.tokens, parent.max.tokens)
        and _is_at_most(child.max.usd_micro, parent.max.usd_micro)
        and _is_at_most(child.taint_max, parent.taint_max)
        and _is_at_most(child.data_max, parent.data_max)
        and _is_at_most(child.not_after, parent.not_after)
    )


def meet_all(ones: Iterable[Authority], others: Iterable[Authority]) -> tuple[Authority, ...]:
    """The meet of what two mandates hold: each with each, in normal form. May be empty."""
    second = tuple(others)
    met = (meet(one, other) for one in ones for other in second)
    return normal(authority for authority in met if authority is not None)


def are_within(children: Iterable[Authority], parents: Iterable[Authority]) -> bool:
    """Whether each of the children is within one of the parents."""
    above = tuple(parents)
    return all(any(is_within(child, parent) for parent in above) for child in children)


def normal(authorities: Iterable[Authority]) -> tuple[Authority, ...]:
    """The same authority in one spelling: none within another, sorted by their canonical bytes."""
    found = sorted(set(authorities), key=lambda authority: authority.canonical)
    return tuple(
        one
        for one in found
        if not any(other is not one and is_within(one, other) for other in found)
    )


def _meet_sets(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _meet_tools(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """A name meets its own pinned form in the pinned form."""
    if one is None or other is None:
        return other if one is None else one
    pinned = {tool for tool in one if tool_permits(other, tool)}
    return frozenset(pinned | {tool for tool in other if tool_permits(one, tool)})


def _are_tools_within(child: frozenset[str] | None, parent: frozenset[str] | None) -> bool:
    if parent is None or child is None:
        return parent is None
    return all(tool_permits(parent, tool) for tool in child)


_Args = tuple[tuple[str, ArgumentLimit], ...]


def _meet_args(one: _Args, other: _Args) -> _Args | None:
    if not one or not other:
        return one or other
    met = dict(one)
    for name, limit in other:
        first = met.get(name)
        both = limit if first is None else meet_arguments(first, limit)
        if both is None:
            return None
        met[name] = both
    return tuple(met.items())


def _are_args_within(child: _Args, parent: _Args) -> bool:
    if not parent:
        return True
    held = dict(child)
    return all(name in held and is_argument_within(held[name], limit) for name, limit in parent)


def _meet_allowances(one: Allowance, other: Allowance) -> Allowance:
    return Allowance(
        calls=_least(one.calls, other.calls),
        tokens=_least(one.tokens, other.tokens),
        usd_micro=_least(one.usd_micro, other.usd_micro),
    )


def _meet_data(one: Classification | None, other: Classification | None) -> Classification | None:
    least = _least(one, other)
    return None if least is None else Classification(least)


def _least(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _is_at_most(child: int | None, parent: int | None) -> bool:
    return parent is None or (child is not None and child <= parent)
