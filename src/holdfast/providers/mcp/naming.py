"""Names that clients see: the server's node, then the tool's own name. No two servers collide."""

import hashlib
import re

from holdfast.core import NodeId

SEPARATOR = "__"
NAME_LENGTH_MAX = 128
"""What the specification says a tool's name should not exceed."""

_USUAL = re.compile(r"[A-Za-z0-9_.-]+\Z")
_UNUSUAL = re.compile(r"[^A-Za-z0-9_.-]+")
_HASH_LENGTH = 8


def qualified(server: NodeId, name: str) -> str:
    """``<node>__<tool>``: letters, digits, ``_``, ``-`` and ``.``, at most 128 characters.

    A node's id has no underscore, so the first ``__`` ends it. A tool whose own name has other
    characters, or is too long, gets a readable form that ends in a digest of its name: two names
    never become one.
    """
    whole = f"{server}{SEPARATOR}{name}"
    if len(whole) <= NAME_LENGTH_MAX and _USUAL.match(name):
        return whole
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    room = NAME_LENGTH_MAX - len(server) - len(SEPARATOR) - _HASH_LENGTH - 1
    return f"{server}{SEPARATOR}{_UNUSUAL.sub('_', name)[: max(room, 0)]}-{mark}"


def split_qualified(name: str) -> tuple[NodeId, str] | None:
    """The server and what follows; None for a name without one.

    What follows is the tool's own name unless ``qualified`` had to change it: look it up among the
    qualified names of what is offered.
    """
    server, separator, own = name.partition(SEPARATOR)
    return (NodeId(server), own) if server and separator and own else None
