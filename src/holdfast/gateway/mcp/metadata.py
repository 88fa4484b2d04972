"""The OAuth resource server's side of MCP: where a token comes from, and what one lacks.

Sources: RFC 9728 (protected resource metadata), RFC 6750 section 3, MCP 2026-07-28 authorization.
"""

from typing import Final

import msgspec

from holdfast.core import JsonObject, JsonValue
from holdfast.gateway.mcp.asked import MCP_PATH
from holdfast.wire import Header, Headers

WELL_KNOWN: Final = b"/.well-known/oauth-protected-resource"


class Resource(msgspec.Struct, frozen=True):
    """What the gateway is to an authorization server.

    ``url`` is its own, as tokens must name it; None: by the Host that it was asked under.
    ``issuers`` are the authorization servers whose tokens it takes, none while keys are all it
    knows; ``scopes`` what can be asked for there.
    """

    url: str | None = None
    issuers: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    is_tls: bool = False

    def of(self, headers: Headers) -> str:
        """The gateway's own URL, without a path."""
        if self.url is not None:
            return self.url.rstrip("/")
        host = headers.get(b"host", b"").decode("ascii", "replace")
        kept = "".join(c for c in host if c.isalnum() or c in ".-:[]_")
        return f"{'https' if self.is_tls else 'http'}://{kept}"

    def metadata(self, headers: Headers) -> bytes:
        """The document of RFC 9728 section 2."""
        document: JsonObject = {
            "resource": self.of(headers) + MCP_PATH,
            "resource_name": "Holdfast",
            "bearer_methods_supported": ["header"],
        }
        for name, values in (
            ("authorization_servers", self.issuers),
            ("scopes_supported", self.scopes),
        ):
            if values:
                listed: list[JsonValue] = list(values)
                document[name] = listed
        return msgspec.json.encode(document)

    def challenge(
        self, headers: Headers, *, error: str | None = None, scope: str | None = None
    ) -> Header:
        """``WWW-Authenticate`` of a 401, or of a 403 that asks for more (``insufficient_scope``)."""
        where = f"{self.of(headers)}{WELL_KNOWN.decode()}{MCP_PATH}"
        said = [f'resource_metadata="{where}"']
        if error is not None:
            said.insert(0, f'error="{error}"')
        if scope is not None:
            said.append(f'scope="{scope}"')
        return (b"www-authenticate", ("Bearer " + ", ".join(said)).encode("ascii"))


def is_metadata_path(target: bytes) -> bool:
    """``/.well-known/oauth-protected-resource``, with or without the resource's own path."""
    path = target.partition(b"?")[0]
    return path == WELL_KNOWN or path.startswith(WELL_KNOWN + b"/mcp")
