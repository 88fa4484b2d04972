"""What needs a session with the client (revision 2025-11-25), for the fixture server.

Through the gateway none of this can work, which is what the expected failures say; asked directly, it
does, so a failure there is the gateway's.
"""

import asyncio
import json
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import (
    EmptyResult,
    JSONRPCMessage,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    UnsubscribeRequestParams,
)

AWAY_S = 0.2


def add_session(server: MCPServer) -> None:
    """Every tool of this kind, and what a client can set for a session."""
    _add_asking(server)
    _add_forms(server)
    _add_settings(server)

    @server.tool()
    async def test_reconnection(ctx: Context) -> str:
        """Closes the stream before it answers: the client comes back for the answer."""
        await ctx.info("about to close")  # so that there is a stream, whoever stands between
        await ctx.close_sse_stream()
        await asyncio.sleep(AWAY_S)
        return "welcome back"


def _add_asking(server: MCPServer) -> None:
    @server.tool(structured_output=False)
    async def test_sampling(prompt: str, ctx: Context) -> str:
        """Asks the client's model."""
        message = SamplingMessage(role="user", content=TextContent(text=prompt))
        answer = await ctx.session.create_message(
            [message], max_tokens=100, related_request_id=ctx.request_id
        )
        said = answer.content.text if isinstance(answer.content, TextContent) else ""
        return f"LLM response: {said}"

    @server.tool(structured_output=False)
    async def test_elicitation(message: str, ctx: Context) -> str:
        """Asks a person for a name and an address."""
        fields = {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        }
        return "User response: " + await _elicit(ctx, message, fields, required=[*fields])


def _add_forms(server: MCPServer) -> None:
    @server.tool(structured_output=False)
    async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
        """Asks by a form with a default of every kind."""
        states = ["active", "inactive", "pending"]
        fields = {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": states, "default": "active"},
            "verified": {"type": "boolean", "default": True},
        }
        return "Elicitation completed: " + await _elicit(ctx, "Please look these through", fields)

    @server.tool(structured_output=False)
    async def test_elicitation_sep1330_enums(ctx: Context) -> str:
        """Asks by a form with a choice of every kind."""
        plain = ["option1", "option2", "option3"]
        places = ("First", "Second", "Third")
        fields = {
            "untitledSingle": {"type": "string", "enum": plain},
            "titledSingle": {"type": "string", "oneOf": _titled(places, "Option")},
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
            "titledMulti": {"type": "array", "items": {"anyOf": _titled(places, "Choice")}},
        }
        return "Elicitation completed: " + await _elicit(ctx, "Please choose", fields)


def _titled(places: tuple[str, ...], what: str) -> list[dict[str, str]]:
    return [
        {"const": f"value{number}", "title": f"{place} {what}"}
        for number, place in enumerate(places, start=1)
    ]


async def _elicit(
    ctx: Context,
    message: str,
    fields: dict[str, dict[str, Any]],
    *,
    required: list[str] | None = None,
) -> str:
    schema: dict[str, Any] = {"type": "object", "properties": fields}
    if required:
        schema["required"] = required
    answer = await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id)
    return f"action={answer.action}, content={json.dumps(answer.content)}"


def _add_settings(server: MCPServer) -> None:
    # The SDK's front server has no such hooks; the server under it has. Nothing here ever changes, and
    # no line is too fine to be sent, so there is nothing to remember.
    under = server._lowlevel_server

    async def accept(ctx: object, params: object) -> EmptyResult:
        return EmptyResult()

    under.add_request_handler("resources/subscribe", SubscribeRequestParams, accept)
    under.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, accept)
    under.add_request_handler("logging/setLevel", SetLevelRequestParams, accept)


class KeptEvents(EventStore):
    """Every event of every stream, in order; an event's id is its place."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self._kept.append((stream_id, message))
        return str(len(self._kept) - 1)

    async def replay_events_after(
        self, last_event_id: str, send_callback: EventCallback
    ) -> str | None:
        last = int(last_event_id)
        if not 0 <= last < len(self._kept):
            return None
        stream = self._kept[last][0]
        for place in range(last + 1, len(self._kept)):
            of, message = self._kept[place]
            if of == stream and message is not None:
                await send_callback(EventMessage(message, str(place)))
        return stream
