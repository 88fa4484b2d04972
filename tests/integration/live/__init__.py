"""What the tests of the whole system stand on: the upstream, the instance, plain HTTP calls."""

from live.calls import (
    Answer,
    Events,
    KeptConnection,
    chat,
    chat_body,
    open_stream,
    post,
    raw_exchange,
    read_head,
)
from live.instance import DEADLINE_S, Home, Instance, Ran, eventually, is_running
from live.upstream import ScriptedUpstream, Seen

__all__ = [
    "DEADLINE_S",
    "Answer",
    "Events",
    "Home",
    "Instance",
    "KeptConnection",
    "Ran",
    "ScriptedUpstream",
    "Seen",
    "chat",
    "chat_body",
    "eventually",
    "is_running",
    "open_stream",
    "post",
    "raw_exchange",
    "read_head",
]
