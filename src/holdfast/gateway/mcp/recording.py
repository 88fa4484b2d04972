"""Write: the record of an MCP request says what was called, under which description, with what."""

import msgspec

from holdfast.audit import CallRecord, RecordedEvent
from holdfast.gateway.call import Outcome, unfold
from holdfast.gateway.journeys import Journey
from holdfast.gateway.mcp.asked import McpRouted, asked_of
from holdfast.gateway.stages.write import Write

TOOL_CHARACTERS_MAX = 256


class McpWrite(Write):
    """Never the arguments themselves: a salted digest of them."""

    __slots__ = ()

    def _record(
        self, state: object, outcome: Outcome, journey: Journey, *, event: RecordedEvent
    ) -> CallRecord:
        record = super()._record(state, outcome, journey, event=event)
        asked = asked_of(state)
        if asked is None:
            return record
        routed = unfold(state)[2]
        descriptor = routed.vetted.pin.descriptor if isinstance(routed, McpRouted) else None
        arguments = asked.request.params.get("arguments")
        return msgspec.structs.replace(
            record,
            tool=(asked.name or asked.request.method)[:TOOL_CHARACTERS_MAX],
            descriptor=descriptor.digest if descriptor is not None else None,
            arguments=None
            if arguments is None
            else self.salt.digest(msgspec.json.encode(arguments)),
            resource=record.resource or None,
        )
