"""An MCP request as the stages see it."""

from typing import Literal, TypeAlias

import msgspec

from holdfast.core import JsonObject
from holdfast.gateway.call import Accepted, Begun, Refused, Routed, unfold
from holdfast.gateway.lines.asking import Ask
from holdfast.gateway.mcp.naming import View
from holdfast.providers import Asked, Endpoint
from holdfast.providers.mcp import (
    ArgumentSchema,
    McpNotification,
    McpRequest,
    ParamHeader,
    RequestId,
    Revision,
)
from holdfast.registry import DescriptorKind, Pin

MCP_PATH = "/mcp"
CALL, READ, PROMPT, LIST = (
    Endpoint(MCP_PATH, action, "") for action in ("call", "read", "prompt", "list")
)
_NO_WORDS = frozenset(("_meta", "name", "requestState"))
Subject: TypeAlias = Literal["tool", "prompt", "resource"]


class McpAsked(Asked, frozen=True, kw_only=True):
    """What a request asks for. ``model`` is the server's node, "" where none is named; ``name`` is
    the thing's own name there (a resource's URI), and ``subject`` its kind, None for what the
    gateway answers itself. ``takes_events``: the client reads notifications before the answer."""

    request: McpRequest
    revision: Revision
    view: View
    subject: Subject | None = None
    name: str = ""
    takes_events: bool = False
    session: str | None = None


class Noticed(msgspec.Struct, frozen=True, kw_only=True):
    """A client's notification: no call, and no record; whose it is must be known all the same."""

    begun: Begun
    note: McpNotification
    session: str | None = None


class McpRefused(Refused, frozen=True, kw_only=True):
    """A refusal that knows its JSON-RPC number and the HTTP status that carries it."""

    number: int
    http: int
    id: RequestId | None = None
    data: JsonObject | None = None


class Vetted(msgspec.Struct, frozen=True, kw_only=True):
    """What is approved of the thing that is called: its pin, and how its results are judged.

    ``own`` is how its server names it; ``repeated`` are the arguments that stand in headers too.
    """

    kind: DescriptorKind
    own: str
    pin: Pin
    output: ArgumentSchema | None = None
    repeated: tuple[ParamHeader, ...] = ()


class McpRouted(Routed, frozen=True, kw_only=True):
    """Where a request goes, and what is asked there."""

    ask: Ask
    vetted: Vetted
    is_repeatable: bool
    acts: bool

    @property
    def is_effectless(self) -> bool:
        """Whether asking twice does no harm: reading, or a tool whose approved description says
        that it only reads or that a second time changes nothing."""
        return self.is_repeatable

    @property
    def uses(self) -> tuple[str, str] | None:
        """The thing's own name, and what is sent with it."""
        words = {name: each for name, each in self.ask.params.items() if name not in _NO_WORDS}
        return self.vetted.own, msgspec.json.encode(words).decode()

    @property
    def may_act(self) -> bool:
        """Whether an intent must be durable first."""
        return self.acts


def asked_of(state: object) -> McpAsked | None:
    """What the request inside a state asks for, once it was read."""
    known, _, _ = unfold(state)
    accepted = known.accepted if known is not None else state
    asked = accepted.asked if isinstance(accepted, Accepted) else None
    return asked if isinstance(asked, McpAsked) else None
