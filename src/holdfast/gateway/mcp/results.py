"""Results as a client gets them: judged, with the names it knows, labelled with their source."""

from holdfast.core import JsonObject, JsonValue, NodeId
from holdfast.gateway.mcp.asked import McpAsked, Vetted
from holdfast.gateway.mcp.naming import View
from holdfast.providers.mcp import Source, check_tool_result, label_result, seen_through


def labelled(result: JsonObject, asked: McpAsked, vetted: Vetted, *, bytes_max: int) -> JsonObject:
    """``McpAnswerError`` where the result is not what the protocol or the tool's schema says."""
    method = asked.request.method
    if method == "tools/call":
        check_tool_result(result)
        if vetted.output is not None:
            vetted.output.check_output(result)
        if result.get("isError") is True:
            # An error's text is made for the model to act on: nothing in it is out of sight.
            result = {**result, "content": seen_through(result.get("content"))}
    server = NodeId(asked.model)
    descriptor = vetted.pin.descriptor
    source = Source(server, descriptor.name, descriptor.digest)
    named = _renamed(result, asked.view, server)
    return label_result(named, source=source, bytes_max=bytes_max)


def _renamed(result: JsonObject, view: View, server: NodeId) -> JsonObject:
    """With URIs that the client can read through us: of contents, links and embedded resources."""
    if view.server is not None:
        return result
    named = dict(result)
    for member in ("contents", "content", "messages"):
        items = named.get(member)
        if isinstance(items, list):
            named[member] = [_of_item(item, view, server) for item in items]
    return named


def _of_item(item: JsonValue, view: View, server: NodeId) -> JsonValue:
    if not isinstance(item, dict):
        return item
    named = dict(item)
    uri = named.get("uri")
    if isinstance(uri, str):
        named["uri"] = view.uri(server, uri)
    for member in ("resource", "content"):
        inner = named.get(member)
        if isinstance(inner, dict):
            named[member] = _of_item(inner, view, server)
    return named
