"""Vet: is the thing that is called approved as it is now, and do the arguments fit it?

Beside the guard: the guard knows the relationship's limits, this the thing itself.
"""

from typing import Final

from holdfast.core import NodeId
from holdfast.gateway.call import Refused, Screened
from holdfast.gateway.mcp.asked import McpAsked, McpRefused, Vetted
from holdfast.gateway.mcp.catalogue import Catalogue
from holdfast.gateway.mcp.naming import find_named
from holdfast.gateway.mcp.templates import matches
from holdfast.gateway.rules import RULES
from holdfast.guards import find_stray
from holdfast.providers.mcp import (
    HEADER_MISMATCH,
    ArgumentSchema,
    HeaderMismatchError,
    McpArgumentsError,
    McpSchemaError,
    ParamHeader,
    check_headers,
    param_headers,
)
from holdfast.registry import DescriptorKind, Pin
from holdfast.wire import Headers

_OURS: Final = frozenset(("name", "uri", "ref", "requestState"))
"""Members that name the thing called, or that this gateway sealed: no words for the server."""
COMPILED_MAX: Final = 4096
"""Schemas kept ready; when full all are forgotten, and made again as they are needed."""
_SHOWN_MAX: Final = 200
_FIXES: Final = {
    "tool.unknown": "ask for what the lists show",
    "tool.unapproved": "have it approved: 'holdfast tools approve'",
    "tool.changed": "have the change looked at: 'holdfast tools diff', then approve it or not",
    "tool.undeclared": "allow it in the `tools` control of the node or the relationship",
    "tool.unseen": "try again shortly",
}


class Shape:
    """A tool's approved schemas, ready to judge."""

    __slots__ = ("arguments", "output", "repeated")

    def __init__(self, pin: Pin) -> None:
        fields = pin.descriptor.fields()
        inputs, outputs = fields.get("inputSchema"), fields.get("outputSchema")
        schema = inputs if isinstance(inputs, dict) else {}
        self.arguments = ArgumentSchema.compile(schema)
        self.output = ArgumentSchema.compile(outputs) if isinstance(outputs, dict) else None
        self.repeated: tuple[ParamHeader, ...] = param_headers(schema)


class Vet:
    """Only what a person approved, as it was approved."""

    __slots__ = ("_catalogue", "_shapes")

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._shapes: dict[str, Shape] = {}

    def __call__(self, screened: Screened) -> Vetted | Refused:
        allowed = screened.allowed
        accepted, server = allowed.known.accepted, allowed.callee.id
        asked = accepted.asked
        assert isinstance(asked, McpAsked)
        kind, pin = self._find(server, asked)
        if kind == "tool" and not allowed.relationship.tools.allows(asked.name):
            return _refused("tool.undeclared", kind, asked.name, screened)
        problem = self._problem(server, kind, asked.name, pin)
        if pin is None or problem is not None:
            return _refused(problem or "tool.unknown", kind, asked.name, screened)
        own = asked.name if kind == "template" else pin.descriptor.name
        vetted = (
            self._tool(asked, pin, accepted.headers, screened)
            if kind == "tool"
            else Vetted(kind=kind, own=own, pin=pin)
        )
        return vetted if isinstance(vetted, Refused) else _led(vetted, asked, screened) or vetted

    def _find(self, server: NodeId, asked: McpAsked) -> tuple[DescriptorKind, Pin | None]:
        pins = self._catalogue.pins
        match asked.subject:
            case "tool":
                return "tool", find_named(pins, server, "tool", asked.name)
            case "prompt":
                return "prompt", find_named(pins, server, "prompt", asked.name)
            case _:
                pass
        pin = pins.find(server, "resource", asked.name)
        if pin is not None:
            return "resource", pin
        for template in pins.of(server, "template"):
            pattern = template.descriptor.name
            if asked.name == pattern or matches(pattern, asked.name):
                return "template", template
        return "resource", None

    def _problem(
        self, server: NodeId, kind: DescriptorKind, name: str, pin: Pin | None
    ) -> str | None:
        """The rule by which it may not be called, None when it may."""
        catalogue = self._catalogue
        if pin is None:
            return "tool.unapproved" if catalogue.shows(server, kind, name) else "tool.unknown"
        if not pin.is_usable:
            return "tool.changed"
        if not catalogue.has_seen(server):
            return "tool.unseen"
        if not catalogue.shows(server, kind, pin.descriptor.name):
            return "tool.unknown"
        return None if catalogue.agrees(server, pin) else "tool.changed"

    def _tool(
        self, asked: McpAsked, pin: Pin, headers: Headers, screened: Screened
    ) -> Vetted | Refused:
        try:
            shape = self.shape(pin)
            check_headers(asked.request, headers, revision=asked.revision, params=shape.repeated)
            shape.arguments.check(asked.request.arguments)
        except McpSchemaError as error:
            rule = RULES["tool.unapproved"]
            return Refused(rule, error.what, error.fix, screened)
        except McpArgumentsError as error:
            return Refused(
                RULES["tool.arguments"], error.what, error.fix, screened, "params.arguments"
            )
        except HeaderMismatchError as error:
            rule = RULES["mcp.header-mismatch"]
            return McpRefused(
                *(rule, error.what, error.fix, screened),
                number=HEADER_MISMATCH,
                http=rule.status,
                id=asked.request.id,
            )
        return Vetted(
            kind="tool",
            own=pin.descriptor.name,
            pin=pin,
            output=shape.output,
            repeated=shape.repeated,
        )

    def shape(self, pin: Pin) -> Shape:
        """The schemas of a tool; ``McpSchemaError`` when they cannot be used."""
        digest = pin.descriptor.digest
        found = self._shapes.get(digest)
        if found is None:
            if len(self._shapes) >= COMPILED_MAX:
                self._shapes.clear()
            found = self._shapes[digest] = Shape(pin)
        return found


def _led(vetted: Vetted, asked: McpAsked, screened: Screened) -> Refused | None:
    """Where what is sent to the server would lead it, refused where that may not be."""
    own = vetted.pin.descriptor.name
    rules = screened.allowed.relationship.tools.egress(own if vetted.kind == "tool" else "")
    params = {name: each for name, each in asked.request.params.items() if name not in _OURS}
    stray = find_stray(params, rules)
    if stray is None and vetted.kind == "template":
        start = own.partition("{")[0]
        name = "host" if start in ("http://", "https://") else ""
        stray = find_stray(vetted.own[len(start) :], rules, name=name)
    if stray is None:
        return None
    rule = RULES["tool.egress"]
    what = f"{rule.meaning} (params{stray.where[:_SHOWN_MAX]}): {stray.why}"
    fix = "name the host in `tools.egress` of the node or the relationship, if it may be reached"
    return Refused(rule, what, fix, screened, "params")


def _refused(code: str, kind: DescriptorKind, name: str, screened: Screened) -> Refused:
    rule, server = RULES[code], screened.allowed.callee.id
    what = f"the {kind} '{name[:100]}' of '{server}': {rule.meaning}"
    return Refused(rule, what, _FIXES[code], screened)
