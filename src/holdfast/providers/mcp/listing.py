"""Lists that an upstream sends: its items as descriptors, each judged alone."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from holdfast.core import JsonObject
from holdfast.providers.mcp.errors import McpAnswerError, McpSchemaError
from holdfast.providers.mcp.headers import param_headers
from holdfast.providers.mcp.schemas import ArgumentSchema
from holdfast.registry import Descriptor, DescriptorError, DescriptorKind

LISTED_MAX = 1000
"""Items of one kind that are read from one server, pages together."""

LIST_METHODS: Mapping[DescriptorKind, str] = MappingProxyType(
    {
        "tool": "tools/list",
        "resource": "resources/list",
        "template": "resources/templates/list",
        "prompt": "prompts/list",
    }
)
_MEMBERS: Mapping[DescriptorKind, str] = MappingProxyType(
    {
        "tool": "tools",
        "resource": "resources",
        "template": "resourceTemplates",
        "prompt": "prompts",
    }
)


class Listed(msgspec.Struct, frozen=True):
    """One page: what could be read, why the others could not, and where the next page begins."""

    descriptors: tuple[Descriptor, ...]
    faults: tuple[str, ...]
    next_cursor: str | None


def read_listed(kind: DescriptorKind, result: JsonObject) -> Listed:
    """The page in a list's result; ``McpAnswerError`` where it is no page at all.

    An item that cannot be pinned, or a tool whose schema cannot be used, is left out and told in
    ``faults``: one bad description does not take the others away.
    """
    items = result.get(_MEMBERS[kind])
    if not isinstance(items, list) or len(items) > LISTED_MAX:
        raise McpAnswerError(
            f"the answer to {LIST_METHODS[kind]} has no list of fitting length",
            where=f"/result/{_MEMBERS[kind]}",
        )
    found: dict[str, Descriptor] = {}
    faults: list[str] = []
    for item in items:
        try:
            descriptor = _descriptor(kind, item if isinstance(item, dict) else {})
        except (DescriptorError, McpSchemaError) as error:
            faults.append(error.what)
            continue
        if descriptor.name in found:
            faults.append(f"the {kind} {descriptor.name[:128]!r} is offered twice")
            continue
        found[descriptor.name] = descriptor
    cursor = result.get("nextCursor")
    return Listed(tuple(found.values()), tuple(faults), cursor if isinstance(cursor, str) else None)


def _descriptor(kind: DescriptorKind, item: JsonObject) -> Descriptor:
    descriptor = Descriptor.of(kind, item)
    if kind == "tool":
        for member in ("inputSchema", "outputSchema"):
            schema = item.get(member)
            if isinstance(schema, dict):
                ArgumentSchema.compile(schema)
        inputs = item.get("inputSchema")
        assert isinstance(inputs, dict)
        param_headers(inputs)
    return descriptor
