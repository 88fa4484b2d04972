"""Results as a client gets them: known members only, of bounded size, labelled with their source."""

import msgspec

from holdfast.core import Digest, JsonObject, NodeId
from holdfast.providers.mcp.errors import INTERNAL_ERROR, McpAnswerError

SOURCE = "holdfast/source"
"""The member of a result's ``_meta`` that says where it came from."""
RESULT_BYTES_MAX = 4 * 1024 * 1024

_ENCODER = msgspec.json.Encoder()
_CONTENT_TYPES = frozenset({"text", "image", "audio", "resource_link", "resource"})
_RESERVED = "io.modelcontextprotocol/"


class Source(msgspec.Struct, frozen=True):
    """Whence a result: the server's node, the tool (or prompt, or resource), and the digest of the
    description under which it was called."""

    server: NodeId
    name: str
    descriptor: Digest


def label_result(
    result: JsonObject, *, source: Source, bytes_max: int = RESULT_BYTES_MAX
) -> JsonObject:
    """The result with its source in ``_meta``, where nothing that a server wrote is taken for ours.

    ``McpAnswerError`` where it is larger than ``bytes_max``: nothing is cut short in silence.
    """
    size = len(_ENCODER.encode(result))
    if size > bytes_max:
        raise McpAnswerError(
            f"the result has {size} bytes, more than {bytes_max}",
            number=INTERNAL_ERROR,
            fix="ask for less, or raise limits.answer_bytes of the relationship",
        )
    meta = result.get("_meta")
    kept: JsonObject = {
        name: value
        for name, value in (meta.items() if isinstance(meta, dict) else ())
        if not name.startswith(_RESERVED) and not name.lower().startswith("holdfast/")
    }
    kept[SOURCE] = {
        "server": source.server,
        "name": source.name,
        "descriptor": source.descriptor,
    }
    return {**result, "_meta": kept}


def check_tool_result(result: JsonObject) -> None:
    """``McpAnswerError`` where the result of a call is not one that the specification knows."""
    kind = result.get("resultType", "complete")
    if kind == "input_required":
        return
    if kind != "complete":
        raise _wrong("an unknown `resultType`", "/result/resultType")
    content = result.get("content")
    if not isinstance(content, list):
        raise _wrong("no list of `content`", "/result/content")
    for index, block in enumerate(content):
        if not isinstance(block, dict) or block.get("type") not in _CONTENT_TYPES:
            raise _wrong("content of an unknown type", f"/result/content/{index}")
    if "isError" in result and not isinstance(result["isError"], bool):
        raise _wrong("an `isError` that is neither true nor false", "/result/isError")


def _wrong(what: str, where: str) -> McpAnswerError:
    return McpAnswerError(f"the result has {what}", number=INTERNAL_ERROR, where=where)
