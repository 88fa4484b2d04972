"""What the dialect refuses, each with its JSON-RPC number."""

from typing import TypeAlias

from holdfast.core import JsonValue
from holdfast.providers.errors import DialectError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
MISSING_CLIENT_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022
RESOURCE_NOT_FOUND_2025 = -32002
"""Of 2025-11-25 and before; 2026-07-28 says INVALID_PARAMS and never sends this one."""
URL_ELICITATION_2025 = -32042

RequestId: TypeAlias = str | int


class McpError(DialectError):
    """A message is not what the protocol says it must be, or asks for what is not there.

    ``number`` is the JSON-RPC error code for the answer; ``id`` the request's, None where it could
    not be read; ``data`` the error's data, where the specification wants any.
    """

    code = "mcp.message"

    def __init__(
        self,
        what: str,
        *,
        number: int = INVALID_REQUEST,
        id: RequestId | None = None,  # noqa: A002
        fix: str = "",
        where: str | None = None,
        data: JsonValue = None,
    ) -> None:
        super().__init__(what, fix=fix, where=where)
        self.number = number
        self.id = id
        self.data = data


class HeaderMismatchError(McpError):
    """A header that must repeat what the body says is missing, or says something else."""

    code = "mcp.header-mismatch"


class McpVersionError(McpError):
    """The client speaks a revision that we do not."""

    code = "mcp.version"


class McpMethodError(McpError):
    """There is no such method in the revision that the request speaks."""

    code = "mcp.method"


class McpParamsError(McpError):
    """The params of a known method are not what it takes."""

    code = "mcp.params"


class McpArgumentsError(McpError):
    """A tool's arguments do not fit the schema that was approved."""

    code = "mcp.arguments"


class McpSchemaError(McpError):
    """A tool's schema cannot be used: malformed, too large, or it reaches outside itself."""

    code = "mcp.schema"


class McpAnswerError(McpError):
    """An upstream's answer is not what the protocol or the tool's own schema says."""

    code = "mcp.answer"
