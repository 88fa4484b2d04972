"""Paths and addresses as constraints: one spelling each, and nothing that reads two ways.

A prefix is compared segment by segment, on the text as written, for the tool behind it may be one
that decodes (an HTTP client) or one that does not (a file system). So whatever those two would read
differently is refused instead of normalised: dot segments, escapes of what needs none, escaped
separators, double escapes, backslashes, control characters. Only empty segments are dropped.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

PATH_CHARACTERS_MAX = 2048
LOCATION_CHARACTERS_MAX = 2048
_PATHS_KEPT = 1024

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/]*)")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\]")
_ESCAPE = re.compile(r"%(?:[0-9A-Fa-f]{2})?")
_NEEDS_NO_ESCAPE = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/\\%\x7f"
)
_DOTS = " ."
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
_LOCATION = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*)\Z"
)


class Path(NamedTuple):
    """Where a path begins (``/``, ``https://host`` or nothing), and its segments."""

    root: str
    segments: tuple[str, ...]

    @property
    def text(self) -> str:
        """The one spelling of this path: no empty segments, no slash at the end."""
        joined = "/".join(self.segments)
        if self.root in ("", "/"):
            return self.root + joined
        return f"{self.root}/{joined}" if joined else self.root

    def is_below(self, prefix: "Path") -> bool:
        """Whether this is the prefix itself or lies under it: ``/a/b`` under ``/a``, not ``/ab``."""
        return self.root == prefix.root and self.segments[: len(prefix.segments)] == prefix.segments


@lru_cache(maxsize=_PATHS_KEPT)
def read_path(text: str) -> Path | None:
    """A path or URI, or None when it is refused: empty, too long, or open to two readings."""
    if not 0 < len(text) <= PATH_CHARACTERS_MAX or _UNSAFE.search(text):
        return None
    if "%" in text and not _escapes_are_plain(text):
        return None
    scheme = _SCHEME.match(text)
    root, rest = (scheme[0], text[scheme.end() :]) if scheme else _rooted(text)
    segments = tuple(part for part in rest.split("/") if part)
    if root is None or any(_is_dots(part) for part in segments) or (scheme and _is_dots(scheme[2])):
        return None
    return Path(root, segments)


def _rooted(text: str) -> tuple[str | None, str]:
    """``//host/path`` has no root of ours: it is an address to some readers, a path to others."""
    if text.startswith("//"):
        return None, ""
    return ("/", text[1:]) if text.startswith("/") else ("", text)


def _escapes_are_plain(text: str) -> bool:
    """Every escape is whole, of a character that needs one, and together they are UTF-8."""
    for match in _ESCAPE.finditer(text):
        if len(match[0]) != 3:  # a percent sign and two digits
            return False
        byte = int(match[0][1:], 16)
        if byte in _NEEDS_NO_ESCAPE or byte < 0x20:
            return False
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeError:  # what is not UTF-8, such as overlong dots
        return False
    return not _UNSAFE.search(decoded) and not any(_is_dots(part) for part in decoded.split("/"))


def _is_dots(segment: str) -> bool:
    """``.``, ``..``, and what some readers take for them: ``.. ``, ``..;x``, full-width dots."""
    if segment and not segment.isascii():
        folded = normalize("NFKC", segment)
        if "/" in folded or "\\" in folded:
            return True
        segment = folded
    return segment != "" and segment.partition(";")[0].strip(_DOTS) == ""


def is_location(text: str) -> bool:
    """Whether a URI is in the one spelling that authorities use: see ``canonical_location``."""
    return len(text) <= LOCATION_CHARACTERS_MAX and _location(text) == text


def canonical_location(text: str) -> str:
    """A URI in its one spelling: scheme and host in lower case, no default port, no slash at the
    end, no query and no fragment (RFC 8707 and MCP's canonical resource URI).

    ``ValueError`` for what is no such URI: user names, queries, fragments, dot segments.
    """
    scheme, separator, rest = text.strip().partition("://")
    host, slash, path = rest.partition("/")
    lowered = f"{scheme.lower()}{separator}{host.lower()}{slash}{path}".rstrip("/")
    found = _location(lowered) if len(lowered) <= LOCATION_CHARACTERS_MAX else None
    if found is None:
        raise ValueError(f"{text[:200]!r} is no URI with a scheme, a host and a plain path")
    return found


def _location(text: str) -> str | None:
    match = _LOCATION.match(text)
    if match is None or read_path(text) is None:
        return None
    port = match["port"]
    if port is None or port == _DEFAULT_PORTS.get(match["scheme"]):
        return f"{match['scheme']}://{match['host']}{match['path']}"
    return text
