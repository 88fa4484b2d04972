"""Header fields as they are on the wire: bytes, names in lower case, order kept."""

from typing import TypeAlias

Header: TypeAlias = tuple[bytes, bytes]
Headers: TypeAlias = list[Header]


def content_length(headers: Headers) -> int | None:
    """The Content-Length, or None; the caller has made sure there is at most one."""
    for name, value in headers:
        if name == b"content-length":
            return int(value)
    return None
