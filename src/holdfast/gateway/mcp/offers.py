"""What a client is shown: approved, over a declared relationship, and permitted by policy."""

import hashlib
from collections.abc import Iterator
from typing import Final

from holdfast.blueprint import Blueprint
from holdfast.core import JsonObject, JsonValue, NodeId
from holdfast.gateway.authority import facts_of_caller, undemanded
from holdfast.gateway.call import Known
from holdfast.gateway.mcp.asked import CALL, PROMPT, READ, McpAsked
from holdfast.gateway.mcp.catalogue import Catalogue
from holdfast.policy import Policy
from holdfast.providers.mcp import page_of
from holdfast.registry import DescriptorKind, Pin

OFFERED: Final[dict[str, tuple[DescriptorKind, str, str]]] = {
    "tools/list": ("tool", "tools", CALL.action),
    "resources/list": ("resource", "resources", READ.action),
    "resources/templates/list": ("template", "resourceTemplates", READ.action),
    "prompts/list": ("prompt", "prompts", PROMPT.action),
}
"""Kind, the result's member, and the action that a client must be allowed to see it."""
_NAMED: Final = {"tool": "name", "prompt": "name", "resource": "uri", "template": "uriTemplate"}


class Offers:
    """The lists of one path, made for whoever asks."""

    __slots__ = ("_blueprint", "_catalogue", "_policy")

    def __init__(self, blueprint: Blueprint, policy: Policy, catalogue: Catalogue) -> None:
        self._blueprint = blueprint
        self._policy = policy
        self._catalogue = catalogue

    def servers(self, known: Known, asked: McpAsked) -> list[NodeId]:
        """The MCP servers that the caller may speak with, by name."""
        callees = self._blueprint.callees(known.node.id)
        found = [node.id for node in callees if node.is_mcp_server]
        only = asked.view.server
        return sorted(found if only is None else [node for node in found if node == only])

    def page(self, known: Known, asked: McpAsked) -> JsonObject:
        """One page of a list; ``McpParamsError`` for a cursor that is not of it."""
        kind, member, action = OFFERED[asked.request.method]
        pins = list(self._shown(known, asked, kind, action))
        mark = hashlib.sha256(f"{kind}\n{known.principal}\n{asked.view.server}".encode())
        for server, pin in pins:
            mark.update(f"\n{server} {pin.descriptor.digest}".encode())
        page, following = page_of(pins, asked.request.cursor, tag=mark.digest())
        items: list[JsonValue] = [self._item(server, pin, asked) for server, pin in page]
        result: JsonObject = {member: items}
        if following is not None:
            result["nextCursor"] = following
        return result

    def _shown(
        self, known: Known, asked: McpAsked, kind: DescriptorKind, action: str
    ) -> Iterator[tuple[NodeId, Pin]]:
        caller = known.node.id
        for server in self.servers(known, asked):
            link = self._blueprint.relationship(caller, server)
            if link is None or undemanded(link.demands, known.caller, relationship=link.id):
                continue
            for pin in self._catalogue.offered(server, kind):
                if kind == "tool" and not link.tools.allows(pin.descriptor.name):
                    continue
                tool = pin.descriptor.name if kind in ("tool", "prompt") else None
                facts = facts_of_caller(known.caller, relationship=link.id)._replace(tool=tool)
                if self._policy.decide(caller, action, server, facts).allowed:
                    yield server, pin

    def _item(self, server: NodeId, pin: Pin, asked: McpAsked) -> JsonObject:
        """The approved description, under the name that clients know it by."""
        fields, view = pin.descriptor.fields(), asked.view
        kind, name = pin.descriptor.kind, pin.descriptor.name
        is_named = kind in ("tool", "prompt")
        fields[_NAMED[kind]] = view.name(server, name) if is_named else view.uri(server, name)
        return fields
