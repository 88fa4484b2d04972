"""What clients call things: server-qualified, so that no server can take another's place.

A tool or prompt is ``<node>__<name>``, a resource or template ``<node>+<uri>``: ids of nodes have
neither underscores nor plus signs, so the first of them is always ours.
"""

from holdfast.core import NodeId
from holdfast.providers.mcp import qualified, split_qualified
from holdfast.registry import Pin, Pins

URI_MARK = "+"


class View:
    """What one endpoint shows: every server the caller may reach, under qualified names
    (``POST /mcp``), or one server under its own names (``POST /mcp/<node>``)."""

    __slots__ = ("server",)

    def __init__(self, server: NodeId | None) -> None:
        self.server = server

    def name(self, server: NodeId, name: str) -> str:
        """A tool's or prompt's name for clients."""
        return name if self.server is not None else qualified(server, name)

    def uri(self, server: NodeId, uri: str) -> str:
        """A resource's URI for clients, or a template's."""
        return uri if self.server is not None else f"{server}{URI_MARK}{uri}"

    def split_name(self, name: str) -> tuple[NodeId, str]:
        """Server and the name there; the server is "" where the name is of none."""
        if self.server is not None:
            return self.server, name
        return split_qualified(name) or (NodeId(""), name)

    def split_uri(self, uri: str) -> tuple[NodeId, str]:
        """Server and the URI there; the server is "" where the URI is of none."""
        if self.server is not None:
            return self.server, uri
        server, found, rest = uri.partition(URI_MARK)
        return (NodeId(server), rest) if found else (NodeId(""), uri)


def find_named(pins: Pins, server: NodeId, kind: str, name: str) -> Pin | None:
    """The pin of a tool or prompt by the name that ``split_name`` gave.

    A name that had to be changed to be qualified is found among the qualified ones.
    """
    assert kind in ("tool", "prompt")
    pin = pins.find(server, "tool" if kind == "tool" else "prompt", name)
    if pin is not None:
        return pin
    whole = qualified(server, name)
    for pin in pins.of(server, "tool" if kind == "tool" else "prompt"):
        if qualified(server, pin.descriptor.name) == whole:
            return pin
    return None
