"""An authority: what may be asked of whom, as data with an order."""

import re
from collections.abc import Callable
from enum import IntEnum
from typing import Literal

import msgspec

from holdfast.core import Json, canonical_json
from holdfast.identity.authority.arguments import ArgumentLimit
from holdfast.identity.authority.paths import is_location

SET_MAX = 256
ARGUMENTS_MAX = 32
NAME_CHARACTERS_MAX = 256
AMOUNT_MAX = 2**53 - 1
TAINT_MAX = 3

AuthorityType = Literal["a2a", "http", "llm", "mcp_tool"]

_ACTION = re.compile(r"[a-z][a-z0-9_.:-]{0,63}\Z")
# No white space, no control characters, no halves of surrogate pairs; tools have no "@" either.
_MODEL = re.compile(r"[^\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+\Z")
_PIN = re.compile(r"[0-9a-f]{64}\Z")
_WITH_TOOLS = ("a2a", "mcp_tool")


class Classification(IntEnum):
    """How secret data is, least first."""

    public = 0
    internal = 1
    confidential = 2
    restricted = 3


class Allowance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """How much, over the mandate's whole life. None: no limit of this mandate's own."""

    calls: int | None = None
    tokens: int | None = None
    usd_micro: int | None = None

    def __post_init__(self) -> None:
        for amount in (self.calls, self.tokens, self.usd_micro):
            if amount is not None and not 0 <= amount <= AMOUNT_MAX:
                raise ValueError(f"an amount is between 0 and {AMOUNT_MAX}")


class Authority(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What its holder may do, and no more. A member that is None or empty limits nothing.

    ``locations`` are canonical URIs and ``actions`` words of policy; both must name something.
    ``tools`` holds ``name`` or ``name@<SHA-256 of its descriptor, hex>``; ``args`` are pairs of an
    argument's name and its limit; ``not_after`` is in whole seconds since 1970. Values are put into
    their one spelling, so that equal authorities are equal. ``ValueError`` for what has no meaning.
    """

    type: AuthorityType
    locations: frozenset[str]
    actions: frozenset[str]
    tools: frozenset[str] | None = None
    models: frozenset[str] | None = None
    args: tuple[tuple[str, ArgumentLimit], ...] = ()
    max: Allowance = Allowance()
    taint_max: int | None = None
    data_max: Classification | None = None
    not_after: int | None = None

    def __post_init__(self) -> None:
        _check_set("locations", self.locations, is_location)
        _check_set("actions", self.actions, lambda action: _ACTION.match(action) is not None)
        if self.tools is not None:
            self._settle_tools(self.tools)
        if self.models is not None:
            _check_models(self.type, self.models)
        self._settle_args()
        _check_number("taint_max", self.taint_max, TAINT_MAX)
        _check_number("not_after", self.not_after, AMOUNT_MAX)

    def _settle_tools(self, tools: frozenset[str]) -> None:
        if self.type not in _WITH_TOOLS:
            raise ValueError(f"an authority of type {self.type} has no tools")
        _check_set("tools", tools, _is_tool)
        spare = {tool for tool in tools if "@" in tool and tool.partition("@")[0] in tools}
        if spare:  # the name alone allows its pinned forms already
            msgspec.structs.force_setattr(self, "tools", tools - spare)

    def _settle_args(self) -> None:
        if not self.args:
            return
        names = [name for name, _ in self.args]
        if len(names) > ARGUMENTS_MAX or len(set(names)) < len(names):
            raise ValueError(f"at most {ARGUMENTS_MAX} arguments are limited, each once")
        if not all(_is_name(name) for name in names):
            raise ValueError(f"an argument's name has 1 to {NAME_CHARACTERS_MAX} characters")
        ordered = tuple(sorted(self.args, key=lambda pair: pair[0]))
        msgspec.structs.force_setattr(self, "args", ordered)

    @property
    def json(self) -> dict[str, Json]:
        """What stands in ``authorization_details`` (RFC 9396), members that limit nothing left out."""
        written: dict[str, Json] = {
            "type": self.type,
            "locations": [*sorted(self.locations)],
            "actions": [*sorted(self.actions)],
        }
        if self.tools is not None:
            written["tools"] = [*sorted(self.tools)]
        if self.models is not None:
            written["models"] = [*sorted(self.models)]
        if self.args:
            written["args"] = {name: _limit_json(limit) for name, limit in self.args}
        amounts = ((name, getattr(self.max, name)) for name in Allowance.__struct_fields__)
        if held := {name: amount for name, amount in amounts if amount is not None}:
            written["max"] = held
        if self.taint_max is not None:
            written["taint_max"] = self.taint_max
        if self.data_max is not None:
            written["data"] = {"max": self.data_max.name}
        if self.not_after is not None:
            written["not_after"] = self.not_after
        return written

    @property
    def canonical(self) -> bytes:
        """The one spelling of this authority: RFC 8785 bytes of its JSON."""
        return canonical_json(self.json)


def tool_permits(allowed: frozenset[str], tool: str) -> bool:
    """Whether ``name`` or ``name@digest`` is allowed; a name alone allows its pinned forms."""
    return tool in allowed or ("@" in tool and tool.partition("@")[0] in allowed)


def _limit_json(limit: ArgumentLimit) -> dict[str, Json]:
    if limit.prefix is not None:
        return {"prefix": limit.prefix}
    if limit.among is None:
        return {"max": limit.most}
    values: list[Json] = [msgspec.json.decode(text) for text in sorted(limit.among)]
    return {"eq": values[0]} if len(values) == 1 else {"in": values}


def _check_set(member: str, values: frozenset[str], is_valid: Callable[[str], bool]) -> None:
    if not 0 < len(values) <= SET_MAX:
        raise ValueError(f"{member} names 1 to {SET_MAX} things")
    for value in values:
        if not is_valid(value):
            raise ValueError(f"{value[:200]!r} cannot stand in {member}")


def _check_models(kind: AuthorityType, models: frozenset[str]) -> None:
    if kind != "llm":
        raise ValueError(f"an authority of type {kind} has no models")
    _check_set("models", models, _is_model)


def _check_number(member: str, value: int | None, most: int) -> None:
    if value is not None and not 0 <= value <= most:
        raise ValueError(f"{member} is between 0 and {most}")


def _is_model(name: str) -> bool:
    return len(name) <= NAME_CHARACTERS_MAX and _MODEL.match(name) is not None


def _is_name(name: str) -> bool:
    return "@" not in name and _is_model(name)


def _is_tool(tool: str) -> bool:
    name, at, pin = tool.partition("@")
    return _is_name(name) and (not at or _PIN.match(pin) is not None)
