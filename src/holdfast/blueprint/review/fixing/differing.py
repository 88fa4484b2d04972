"""What must be written, removed or added to turn one document's data into another's."""

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.blueprint import Plain
from holdfast.blueprint.review.places import Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One place that differs. ``removed``: what stands there goes, key and all. Else ``value`` is
    written there, in the place of what stands there or new. No change lies within another."""

    path: Steps
    value: Plain = None
    removed: bool = False


def changes_between(old: Plain, new: Plain, *, path: Steps = ()) -> Iterator[Change]:
    """The changes in the order of the document; new keys and items after those that are there."""
    if isinstance(old, dict) and isinstance(new, dict):
        if path and new and old.keys().isdisjoint(new):
            yield Change(path=path, value=new)  # no key is left to write beside
        else:
            yield from _in_mapping(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _in_list(old, new, path)
    elif not same(old, new):
        yield Change(path=path, value=new)


def same(one: Plain, other: Plain) -> bool:
    """Equal as data: 1 is not true, but 1.0 is 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def _in_mapping(old: dict[str, Plain], new: dict[str, Plain], path: Steps) -> Iterator[Change]:
    for key, value in old.items():
        if key in new:
            yield from changes_between(value, new[key], path=(*path, key))
        else:
            yield Change(path=(*path, key), removed=True)
    for key, value in new.items():
        if key not in old:
            yield Change(path=(*path, key), value=value)


def _in_list(old: list[Plain], new: list[Plain], path: Steps) -> Iterator[Change]:
    if len(new) < len(old):
        gone = _gone(old, new)
        if gone is None:
            yield Change(path=path, value=new)
        else:
            yield from (Change(path=(*path, index), removed=True) for index in gone)
        return
    for index, value in enumerate(old):
        yield from changes_between(value, new[index], path=(*path, index))
    for index in range(len(old), len(new)):
        yield Change(path=(*path, index), value=new[index])


def _gone(old: list[Plain], new: list[Plain]) -> list[int] | None:
    """Which items are missing, when nothing else differs."""
    gone: list[int] = []
    left = 0
    for index, value in enumerate(old):
        if left < len(new) and same(value, new[left]):
            left += 1
        else:
            gone.append(index)
    return gone if left == len(new) else None
