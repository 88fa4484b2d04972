"""An MCP server made with the official SDK: a few documents, a slow tool, a tool that acts."""

import asyncio
import sys
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer(name="documents", version="1.0.0")
DOCUMENTS = {"one": "The first document.", "two": "The second document."}


@server.tool()
def look(document: str) -> str:
    """Tells what a document says."""
    return DOCUMENTS.get(document, "There is no such document.")


@server.tool()
async def slow(steps: int, ctx: Context) -> str:
    """Takes its time, and says how far it is."""
    for step in range(steps):
        await ctx.report_progress(step, steps, f"step {step}")
        await asyncio.sleep(0.05)
    return f"{steps} steps"


@server.tool()
async def endless(mark: str) -> str:
    """Never ends by itself; leaves marks when it begins and when it is told to stop."""
    begun, stopped = Path(mark + ".begun"), Path(mark)
    begun.touch()
    try:
        await asyncio.sleep(3600)
    finally:
        stopped.touch()
    return "never"


@server.resource("doc://one")
def one() -> str:
    """The first document."""
    return DOCUMENTS["one"]


@server.resource("doc://{name}")
def any_document(name: str) -> str:
    """Any document."""
    return DOCUMENTS[name]


@server.prompt()
def summarise(document: str) -> str:
    """Asks for a summary."""
    return f"Summarise the document {document}."


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run("stdio")
