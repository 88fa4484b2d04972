"""An MCP server made with the official SDK: the contracts under review, to list and to read.

python documents.py --port 8091
"""

import argparse
import re
from pathlib import Path
from typing import Final

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

CONTRACTS: Final = Path(__file__).parents[1] / "contracts"
READS: Final = ToolAnnotations(read_only_hint=True)

server = MCPServer(name="documents", version="1.0.0", log_level="WARNING")


@server.tool(annotations=READS)
def list_documents() -> list[str]:
    """Names the contracts under review."""
    return sorted(path.stem for path in CONTRACTS.glob("*.txt"))


@server.tool(annotations=READS)
def read_clause(document: str, clause: int) -> str:
    """Gives the text of one clause, by its number."""
    if document not in list_documents():
        raise ValueError(f"there is no contract '{document}'")
    text = (CONTRACTS / f"{document}.txt").read_text(encoding="utf-8")
    found = re.search(rf"(?m)^{clause}\. .*\n(.+)$", text)
    if found is None:
        raise ValueError(f"'{document}' has no clause {clause}")
    return found[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    server.run("streamable-http", port=parser.parse_args().port)
