"""What somebody may do at the console."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import cedarpy

from holdfast.blueprint import Blueprint
from holdfast.core import Json
from holdfast.policy.console.reading import narrowing
from holdfast.policy.console.vocabulary import CONSOLE_ACTIONS, RESOURCE, kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks. ``way`` is how they came in: ``link``, ``provider`` or ``program``; ``acr`` and
    ``amr`` are what the provider says of how it knows them (OpenID Connect Core, section 2)."""

    kind: Literal["Person", "Program"]
    id: str
    name: str = ""
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    way: str = ""
    acr: str | None = None
    amr: tuple[str, ...] = ()


class ConsolePolicy:
    """Holdfast's own policies of the console and those of a blueprint. Immutable; does no I/O."""

    def __init__(self, text: str) -> None:
        self._policies = cedarpy.PolicySet.from_str(text)

    @classmethod
    def compile(cls, blueprint: Blueprint) -> "ConsolePolicy":
        """``PolicyError`` with everything that is wrong with the blueprint's policies."""
        own = files("holdfast.policy.console").joinpath("console.cedar").read_text("utf-8")
        narrow = (each.statement.text for each in narrowing(blueprint.console.policies))
        return cls("\n".join((own, *narrow)))

    def allowed(self, asker: Asker) -> frozenset[str]:
        """The actions that are permitted. One whose policies cannot all be evaluated is not."""
        if not asker.roles:
            return frozenset()
        entities = cedarpy.Entities.from_json_str(  # pyright: ignore[reportUnknownMemberType] - a bare dict
            json.dumps(_entities(asker))
        )
        results = cedarpy.is_authorized_batch(  # pyright: ignore[reportUnknownMemberType] - a bare list
            [_request(asker, action) for action in CONSOLE_ACTIONS], self._policies, entities
        )
        return frozenset(
            action
            for action, result in zip(CONSOLE_ACTIONS, results, strict=True)
            if result.allowed and not result.diagnostics.errors
        )


def _request(asker: Asker, action: str) -> dict[str, object]:
    context: dict[str, object] = {"way": asker.way, "amr": list(asker.amr)}
    if asker.acr is not None:
        context["acr"] = asker.acr
    return {
        "principal": {"type": kind(asker.kind), "id": asker.id},
        "action": {"type": kind("Action"), "id": action},
        "resource": {"type": kind("Console"), "id": RESOURCE},
        "context": context,
    }


def _entities(asker: Asker) -> list[Json]:
    roles: list[Json] = [{"type": kind("Role"), "id": role} for role in asker.roles]
    groups: list[Json] = [{"type": kind("Group"), "id": group} for group in asker.groups]
    parents = roles if asker.kind == "Program" else [*roles, *groups]
    return [
        {
            "uid": {"type": kind(asker.kind), "id": asker.id},
            "attrs": {"id": asker.id, "name": asker.name},
            "parents": parents,
        },
        *({"uid": each, "attrs": {}, "parents": []} for each in parents),
    ]
