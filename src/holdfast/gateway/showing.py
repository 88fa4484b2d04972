"""What a person is shown of a call that waits for their word: what would be sent, and no secret."""

from typing import Final

import msgspec

from holdfast.gateway.call import Routed
from holdfast.guards import redact

SHOWN_BYTES_MAX: Final = 4096
"""Of a call's content, shown to whoever decides about it."""
_READ_BYTES_MAX: Final = 256 * 1024
"""Of a content, looked through for secrets before it is cut; more than is ever shown of it."""


class Shown(msgspec.Struct, frozen=True):
    """``content`` is text that somebody else wrote: show it as such."""

    content: str
    is_cut: bool
    tool: str | None = None


class _Message(msgspec.Struct):
    role: str = ""
    content: msgspec.Raw = msgspec.Raw(b"null")


class _Said(msgspec.Struct):
    messages: list[_Message] = []
    prompt: msgspec.Raw | None = None
    input: msgspec.Raw | None = None


def shown(routed: Routed) -> Shown:
    """Secrets are taken out before anything is cut: half of one would pass for none."""
    used = routed.uses
    tool, text = used if used is not None else (None, _said(routed))
    data = text.encode("utf-8", "replace")
    is_cut = len(data) > SHOWN_BYTES_MAX
    text = redact(data[:_READ_BYTES_MAX].decode("utf-8", "ignore"), ("secret",))[0]
    whole = text.encode("utf-8", "replace")
    return Shown(
        whole[:SHOWN_BYTES_MAX].decode("utf-8", "ignore"),
        is_cut or len(whole) > SHOWN_BYTES_MAX,
        tool,
    )


def _said(routed: Routed) -> str:
    """The last thing a user said; a prompt or an input; else the whole request."""
    body = routed.screened.body
    try:
        said = msgspec.json.decode(body, type=_Said)
        users = [m.content for m in said.messages if m.role == "user"]
        found = bytes(users[-1] if users else said.prompt or said.input or body)
        return msgspec.json.decode(found, type=str) if found.startswith(b'"') else found.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", "replace")
