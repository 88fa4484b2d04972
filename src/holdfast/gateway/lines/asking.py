"""One request towards an MCP server, in the server's own names."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from holdfast.core import JsonObject
from holdfast.providers.mcp import Asking, Implementation, LogLevel, ParamHeader, Revision

OURSELVES = ""
"""The principal of what the gateway asks on its own behalf: its lists."""
HOLDFAST = Implementation("holdfast", "1")


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, on whose behalf (``principal``: a stateful server's session is one
    principal's), and what may pass of what the server says meanwhile (``progress``, ``logs``).

    ``repeated`` are the arguments that stand in headers too; ``capabilities`` are the client's, so
    that a server asks it nothing that it cannot answer.
    """

    method: str
    params: JsonObject
    principal: str = OURSELVES
    call: str | None = None
    repeated: Sequence[ParamHeader] = ()
    capabilities: JsonObject = {}
    progress: bool = False
    logs: bool = False
    log_level: LogLevel | None = None
    trace: Mapping[str, str] = MappingProxyType({})
    bytes_max: int = 4 * 1024 * 1024

    def told(self, revision: Revision, token: int) -> Asking:
        """What the request says of us; ``token`` is our own, for progress."""
        return Asking(
            revision=revision,
            client=HOLDFAST,
            capabilities=self.capabilities,
            progress_token=token if self.progress else None,
            log_level=self.log_level,
            trace=dict(self.trace),
        )
