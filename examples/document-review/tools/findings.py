"""An MCP server made with the official SDK: the register of findings. Kept in memory only.

python findings.py --port 8092
"""

import argparse
from typing import Final, Literal

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

WRITES: Final = ToolAnnotations(read_only_hint=False, destructive_hint=False)

server = MCPServer(name="findings", version="1.0.0", log_level="WARNING")
register: list[dict[str, object]] = []


def _enter(**finding: object) -> str:
    register.append(finding)
    return f"F-{len(register)}"


@server.tool(annotations=WRITES)
def file_finding(document: str, clause: int, item: str, severity: Literal["low", "medium"]) -> str:
    """Files a finding of low or medium severity."""
    return _enter(document=document, clause=clause, item=item, severity=severity)


@server.tool(annotations=WRITES)
def escalate_finding(document: str, clause: int, item: str) -> str:
    """Files a finding of high severity; the contract stops."""
    return _enter(document=document, clause=clause, item=item, severity="high")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    server.run("streamable-http", port=parser.parse_args().port)
