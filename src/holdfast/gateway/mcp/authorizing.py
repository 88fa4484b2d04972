"""Authorize: is the relationship to the server declared, and does policy permit this of it?"""

from holdfast.blueprint import Node, Relationship
from holdfast.core import NodeId
from holdfast.gateway.call import Allowed, Known, Listed, Refused
from holdfast.gateway.mcp.asked import McpAsked
from holdfast.gateway.rules import RULES
from holdfast.gateway.stages.authorize import Authorize
from holdfast.identity.authority import Ask
from holdfast.identity.callers import Caller
from holdfast.policy import Facts
from holdfast.providers import Asked


class McpAuthorize(Authorize):
    """The same questions, with the tool among the facts."""

    __slots__ = ()

    def __call__(self, known: Known) -> Allowed | Listed | Refused:
        asked = known.accepted.asked
        assert isinstance(asked, McpAsked)
        server = NodeId(asked.model)
        if server not in self._blueprint.nodes:
            rule = RULES["tool.unknown"]
            what = (
                f"Unknown {asked.subject}: '{(asked.request.target or '')[:100]}' names no server"
            )
            return Refused(rule, what, "ask for what the lists show", known)
        return self._may(known, asked, server)

    def _facts(self, asked: Asked, caller: Caller, relationship: Relationship) -> Facts:
        tool = asked.name[:1024] if isinstance(asked, McpAsked) else None
        return super()._facts(asked, caller, relationship)._replace(tool=tool)

    def _ask(
        self, asked: Asked, known: Known, callee: Node, relationship: Relationship
    ) -> Ask | None:
        """Asked about when the tool's approved descriptor is known."""
        return None
