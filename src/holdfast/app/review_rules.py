"""Which rules a review asks: Holdfast's own, those of plugins, those in Cedar files of a team."""

from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

from holdfast.app.texts import read_text
from holdfast.blueprint import Blueprint
from holdfast.blueprint.review import (
    Pack,
    PackError,
    ReviewError,
    Rule,
    built_in_rules,
    in_order,
    read_pack,
)

GROUP = "holdfast.review_rules"
"""Entry points of this group give a ``Rule``, or several."""


def rules_and_packs(
    blueprint: Blueprint, folder: Path, given: Iterable[Path]
) -> tuple[tuple[Rule, ...], tuple[Pack, ...]]:
    """All rules, by id, and the packs: the organisation's (``given``) and those that the blueprint
    in ``folder`` names. Cedar files stand beside whatever names them."""
    cedar: dict[str, str] = {}
    packs = [_pack(path, cedar) for path in given]
    for name in blueprint.review.rules or ():
        path = folder / name
        if path.suffix == ".cedar":
            cedar[name] = read_text(path)
        elif path.suffix in {".yaml", ".yml"}:
            packs.append(_pack(path, cedar))
        else:
            raise PackError(
                f"review.rules names `{name}`", fix="name Cedar files and rule packs (.yaml)"
            )
    return in_order((*built_in_rules(), *plugin_rules(), *_cedar_rules(cedar))), tuple(packs)


def _pack(path: Path, cedar: dict[str, str]) -> Pack:
    pack = read_pack(read_text(path), source=str(path))
    for name in pack.rules:
        cedar[str(path.parent / name)] = read_text(path.parent / name)
    return pack


def _cedar_rules(files: dict[str, str]) -> tuple[Rule, ...]:
    if not files:
        return ()
    from holdfast.policy.own_rules import own_rules  # noqa: PLC0415 - loads Cedar: only where used

    return own_rules(files)


def plugin_rules() -> tuple[Rule, ...]:
    """The rules of installed packages; ``ReviewError`` names the package whose rules are none."""
    found: list[Rule] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        try:
            given = entry.load()
        except Exception as error:
            raise _broken(entry.name, f"cannot be loaded: {error}") from error
        found.extend(_rules_in(entry.name, given))
    return tuple(found)


def _rules_in(name: str, given: object) -> list[Rule]:
    if isinstance(given, Rule):
        return [given]
    if not isinstance(given, Iterable):
        raise _broken(name, "gives no rules")
    rules = list(cast("Iterable[object]", given))
    if not all(isinstance(each, Rule) for each in rules):
        raise _broken(name, "gives something else than rules")
    return cast("list[Rule]", rules)


def _broken(name: str, what: str) -> ReviewError:
    return ReviewError(
        f"the entry point `{name}` of {GROUP} {what}",
        fix="mend or uninstall the package it comes with; it must give a Rule or several",
    )
