"""Patches applied to a blueprint's plain data."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from holdfast.blueprint import Plain
from holdfast.blueprint.review.errors import PatchError
from holdfast.blueprint.review.places import Steps, settled_steps
from holdfast.blueprint.review.rule import Patch


def patched(data: Plain, patches: Iterable[Patch]) -> Plain:
    """A copy of ``data`` with every patch applied in order; ``PatchError`` for one that has no
    place in it. A mapping that a removal leaves empty goes with it."""
    whole = _copied(data)
    for patch in patches:
        whole = _with(whole, settled_steps(whole, patch.path), patch)
    return whole


def _copied(value: object) -> Plain:
    """Plain data from whatever is JSON-like: tuples become lists."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            items = cast("Mapping[object, object]", value).items()
            return {str(key): _copied(inner) for key, inner in items}
        case Sequence():
            return [_copied(inner) for inner in cast("Sequence[object]", value)]
        case _:
            raise PatchError(f"a patch writes a {type(value).__name__}, which no file can hold")


def _with(here: Plain, steps: Steps, patch: Patch) -> Plain:
    if not steps:
        return plain_of(patch)
    first, rest = steps[0], steps[1:]
    match here, first:
        case dict(), str():
            return _with_key(here, first, rest, patch=patch)
        case list(), int() if first < len(here):
            return _with_item(here, first, rest, patch=patch)
        case ((None | []), int()) if first == 0 and patch.value is not None:
            return [_with(None, rest, patch)]
        case list(), int() if first == len(here) and patch.value is not None:
            return [*here, _with(None, rest, patch)]
        case list(), str() if not rest and patch.value is not None:
            return [*here, plain_of(patch)]  # a thing with a new id
        case None, str():
            return {first: _with(None, rest, patch)}
        case _:
            raise PatchError(
                f"a patch has no place at {'.'.join(str(step) for step in patch.path)}",
                fix="tell the rule's author: the path must fit the blueprint",
            )


def _with_key(here: dict[str, Plain], key: str, rest: Steps, *, patch: Patch) -> Plain:
    if not rest and patch.value is None:
        return {name: value for name, value in here.items() if name != key}
    inner = _with(here.get(key), rest, patch)
    if patch.value is None and inner == {}:
        return {name: value for name, value in here.items() if name != key}
    return {**here, key: inner}


def _with_item(here: list[Plain], index: int, rest: Steps, *, patch: Patch) -> Plain:
    if not rest and patch.value is None:
        return [*here[:index], *here[index + 1 :]]
    return [*here[:index], _with(here[index], rest, patch), *here[index + 1 :]]


def plain_of(patch: Patch) -> Plain:
    """What a patch writes, as plain data."""
    return _copied(patch.value)
