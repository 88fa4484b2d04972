"""An MCP server that has what the official conformance suite asks a server for.

    python fixture_server.py --port 8931

The suite names the tools, resources and prompts it calls, and what they say; that, and no more, is
here and beside it: contents of every kind (``fixture_content.py``), and what asks its client for
something, in rounds (``fixture_rounds.py``, revision 2026-07-28) or within a session
(``fixture_session.py``, revision 2025-11-25).
"""

import argparse
import asyncio
import warnings
from typing import Annotated

import uvicorn
from fixture_content import add_content
from fixture_rounds import add_rounds
from fixture_session import KeptEvents, add_session
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import Prompt
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp_types import MISSING_REQUIRED_CLIENT_CAPABILITY
from pydantic import Field

STEP_S = 0.05
RETRY_MS = 500
DIALECT = "https://json-schema.org/draft/2020-12/schema"
RICH_SCHEMA = {
    "$schema": DIALECT,
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "whereabouts",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "address": {"$ref": "#/$defs/address"},
        "phone": {"type": "string"},
        "email": {"type": "string"},
        "by": {"enum": ["phone", "email"]},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"by": {"const": "phone"}}, "required": ["by"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def build() -> MCPServer:
    """The server with everything in it."""
    server = MCPServer("fixture", version="1", log_level="WARNING", tools=_first_tools())
    _add_plain_tools(server)
    _add_telling_tools(server)
    _add_changing_tools(server)
    add_content(server)
    add_rounds(server)
    add_session(server)
    return server


def _first_tools() -> list[Tool]:
    def answers_to_nothing() -> str:
        """Takes no arguments and comes first in any list: the suite calls the first tool so."""
        return "yes"

    # The SDK derives schemas from signatures; this one must show keywords that no signature has.
    def json_schema_2020_12_tool() -> str:
        """Its schema uses what JSON Schema 2020-12 has beyond the simplest."""
        return "understood"

    rich = Tool.from_function(json_schema_2020_12_tool)
    return [
        Tool.from_function(answers_to_nothing),
        rich.model_copy(update={"parameters": RICH_SCHEMA}),
    ]


def _add_plain_tools(server: MCPServer) -> None:
    @server.tool(structured_output=False)
    def test_simple_text() -> str:
        """Says one fixed sentence."""
        return "This is a simple text response for testing."

    @server.tool()
    def test_error_handling() -> str:
        """Fails each time."""
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool()
    def headed(
        region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
    ) -> str:
        """Its argument stands in a header too (``Mcp-Param-Region``)."""
        return region

    @server.tool()
    def test_missing_capability() -> str:
        """Needs a client that declares sampling."""
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="this tool needs a client with sampling",
            data={"requiredCapabilities": {"sampling": {}}},
        )


def _add_telling_tools(server: MCPServer) -> None:
    @server.tool()
    async def test_tool_with_logging(ctx: Context) -> str:
        """Logs three lines while it works."""
        for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(line)
            await asyncio.sleep(STEP_S)
        return "logged"

    @server.tool()
    async def test_logging_tool(ctx: Context) -> str:
        """Would log a line, if its caller asked for lines."""
        await ctx.info("heard by those who asked")
        return "done"

    @server.tool()
    async def test_tool_with_progress(ctx: Context) -> str:
        """Comes to its end in three steps and tells of each."""
        for percent in (0, 50, 100):
            await ctx.report_progress(percent, 100)
            await asyncio.sleep(STEP_S)
        return "finished"


def _add_changing_tools(server: MCPServer) -> None:
    """Each call adds to a list or takes from it again, so that there is a change to tell of."""
    shown = {"tool": False, "prompt": False}

    def comes_and_goes() -> str:
        """There on every other look."""
        return "now"

    @server.tool()
    async def test_trigger_tool_change(ctx: Context) -> str:
        """Changes the list of tools."""
        shown["tool"] = not shown["tool"]
        if shown["tool"]:
            server.add_tool(comes_and_goes)
        else:
            server.remove_tool("comes_and_goes")
        await ctx.notify_tools_changed()
        return "changed"

    @server.tool()
    async def test_trigger_prompt_change(ctx: Context) -> str:
        """Changes the list of prompts."""
        shown["prompt"] = not shown["prompt"]
        if shown["prompt"]:
            server.add_prompt(Prompt.from_function(comes_and_goes))
        else:
            server.remove_prompt("comes_and_goes")
        await ctx.notify_prompts_changed()
        return "changed"


def main() -> None:
    """Serve until told to stop."""
    # Logging, sampling and roots are deprecated in 2026-07-28, and the suite asks for them.
    warnings.filterwarnings("ignore", category=MCPDeprecationWarning)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    app = build().streamable_http_app(event_store=KeptEvents(), retry_interval=RETRY_MS)
    # h11 takes blanks around a header's value away, as the suite asks; the other parser leaves them.
    uvicorn.run(app, port=port, http="h11", log_level="warning")


if __name__ == "__main__":
    main()
