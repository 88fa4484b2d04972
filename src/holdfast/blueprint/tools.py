"""What a blueprint says of the tools of an MCP server, settled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Literal, TypeAlias

from holdfast.blueprint.controls import SecretReference

SideEffects: TypeAlias = Literal["none", "read", "write"]
"""What a call changes outside: nothing and reads nothing, reads only, or writes."""

EFFECTS_ORDER: tuple[SideEffects, ...] = ("none", "read", "write")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """An MCP server that runs as a child process and speaks over its standard streams.

    ``command`` is run as it stands, by no shell. ``env`` is its whole environment, literal values
    and references to secrets; ``cwd`` is relative to the blueprint.
    """

    command: tuple[str, ...]
    env: Mapping[str, str | SecretReference]
    cwd: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """Where addresses in what is sent to a tool may lead.

    ``hosts``: names (``*.example.com`` for all under it), addresses and networks, ``*`` for every
    public host; None is the same as ``*``. What is named may be private. Lower case throughout.
    """

    hosts: tuple[str, ...] | None = None
    schemes: tuple[str, ...] = ("http", "https")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSettings:
    """What is said of one tool."""

    timeout_s: float | None = None
    side_effects: SideEffects | None = None
    egress: Egress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRules:
    """One ``tools`` control: a node's or a relationship's. Patterns are of whole names, ``*`` for
    any characters; case counts. ``allow`` None allows all; ``deny`` goes before ``allow``."""

    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    side_effects: SideEffects | None = None
    egress: Egress | None = None
    each: Mapping[str, ToolSettings] = field(
        default_factory=lambda: MappingProxyType[str, ToolSettings]({})
    )

    def allows(self, name: str) -> bool:
        """Whether a tool of this name (its own, without the server's) may be used."""
        if any(fnmatchcase(name, pattern) for pattern in self.deny):
            return False
        return self.allow is None or any(fnmatchcase(name, pattern) for pattern in self.allow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Everything said of a server's tools: by its node, then by the relationship over which they
    are called. The later narrows: both must allow, the shorter time holds, the graver effect."""

    rules: tuple[ToolRules, ...] = ()

    def allows(self, name: str) -> bool:
        return all(rules.allows(name) for rules in self.rules)

    def timeout_s(self, name: str) -> float | None:
        """The shortest time that is written for the tool; None when none is."""
        written = (rules.each.get(name, _UNWRITTEN).timeout_s for rules in self.rules)
        return min((each for each in written if each is not None), default=None)

    def egress(self, name: str) -> tuple[Egress, ...]:
        """All that is written for the tool, each of which must allow an address; where nothing is,
        the one that lets nothing private be reached."""
        written = (rules.each.get(name, _UNWRITTEN).egress or rules.egress for rules in self.rules)
        return tuple(each for each in written if each is not None) or (_PUBLIC,)

    def side_effects(self, name: str, *, is_read_only: bool | None = None) -> SideEffects:
        """What a call of the tool may change; ``write`` where nobody says anything.

        ``is_read_only`` is the approved descriptor's ``readOnlyHint``. A server's word counts where
        the blueprint is silent, and where it makes the matter graver; it never makes it lighter.
        """
        hint: SideEffects | None = None
        if is_read_only is not None:
            hint = "read" if is_read_only else "write"
        written = [each for rules in self.rules if (each := _effects(rules, name)) is not None]
        if not written:
            return hint or "write"
        gravest = max(EFFECTS_ORDER.index(each) for each in written)
        return "write" if hint == "write" else EFFECTS_ORDER[gravest]


_UNWRITTEN = ToolSettings()
_PUBLIC = Egress()


def _effects(rules: ToolRules, name: str) -> SideEffects | None:
    """The tool's own word before the one for all."""
    return rules.each.get(name, _UNWRITTEN).side_effects or rules.side_effects
