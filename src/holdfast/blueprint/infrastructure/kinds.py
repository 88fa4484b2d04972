"""What is known of a type of resource. What no table lists is not judged."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from holdfast.blueprint.infrastructure.attributes import Clue, Clues

Part: TypeAlias = Literal["runs", "stores", "opens", "supports"]
"""Runs something that a node is; stores data; only opens ways in; or only serves the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``public``: how its attributes open it to the internet; empty: they cannot. ``encrypted``: how
    they say that what it stores is encrypted; always, never empty, where the provider leaves no
    choice (``ALWAYS``). ``keeps``: its loss loses data."""

    part: Part
    public: Clues = ()
    encrypted: Clues | None = None
    keeps: bool = False


ALWAYS: Clues = ((),)
"""Holds of itself."""


def one(path: str, *values: str | bool, absent: bool = False) -> Clues:
    """A single clue."""
    return ((Clue(path, values or (True,), absent),),)


def runs(public: Clues = (), encrypted: Clues | None = None) -> Kind:
    return Kind(part="runs", public=public, encrypted=encrypted)


def stores(encrypted: Clues, public: Clues = ()) -> Kind:
    return Kind(part="stores", public=public, encrypted=encrypted, keeps=True)


def opens(public: Clues) -> Kind:
    return Kind(part="opens", public=public)


SUPPORTS = Kind(part="supports")
