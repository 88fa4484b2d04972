"""Headers that repeat what the body says: checked at our edge, written for upstreams.

Source: MCP 2026-07-28, Streamable HTTP, "Request Metadata" and "Server Validation".
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from holdfast.core import JsonObject, JsonValue
from holdfast.providers.mcp.errors import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    HeaderMismatchError,
    McpParamsError,
    McpSchemaError,
)
from holdfast.providers.mcp.messages import McpRequest
from holdfast.providers.mcp.methods import METHODS
from holdfast.providers.mcp.revisions import Revision, revision_of
from holdfast.providers.mcp.writing import unsupported_version

VERSION_HEADER = b"mcp-protocol-version"
METHOD_HEADER = b"mcp-method"
NAME_HEADER = b"mcp-name"
SESSION_HEADER = b"mcp-session-id"
PARAM_PREFIX = b"mcp-param-"
PARAM_HEADERS_MAX = 32

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}\Z")
_PLAIN = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?\Z")
_SENTINEL = re.compile(r"=\?base64\?(.*)\?=\Z", re.DOTALL)
_SAFE_INTEGER = 2**53 - 1
_PRIMITIVES = frozenset({"integer", "string", "boolean"})


def revision_spoken(request: McpRequest, headers: Mapping[bytes, bytes]) -> Revision:
    """The revision of a request over HTTP, from its ``_meta`` and ``MCP-Protocol-Version``.

    ``headers`` are by lower-case name. ``McpVersionError`` for one we do not speak,
    ``HeaderMismatchError`` where the two disagree, ``McpParamsError`` where a required member of
    ``_meta`` is missing. A request that names none speaks 2025-11-25.
    """
    header = headers.get(VERSION_HEADER)
    told = None if header is None else header.decode("ascii", "replace")
    version = request.meta.version
    if version is not None:
        if told is None:
            raise _mismatch(request, "the header MCP-Protocol-Version is missing")
        if told != version:
            raise _mismatch(request, "MCP-Protocol-Version differs from the version in `_meta`")
        revision = revision_of(version)
        if revision is None or not revision.is_stateless:
            raise unsupported_version(version, id=request.id)
        if request.meta.capabilities is None:
            raise _missing(request, "clientCapabilities")
        return revision
    if told is None or request.method == "initialize":
        return Revision.V2025_11_25
    revision = revision_of(told)
    if revision is not None and revision.is_stateless:
        raise _missing(request, "protocolVersion")
    if revision is None and told not in ("2025-03-26", "2025-06-18"):
        raise unsupported_version(told, id=request.id)
    return Revision.V2025_11_25


def check_headers(
    request: McpRequest,
    headers: Mapping[bytes, bytes],
    *,
    revision: Revision,
    params: Sequence["ParamHeader"] = (),
) -> None:
    """Hold ``Mcp-Method``, ``Mcp-Name`` and the tool's ``Mcp-Param-*`` against the body.

    Only 2026-07-28 has them; of a request of 2025-11-25 one that is there must agree all the same.
    ``HeaderMismatchError`` (-32020, status 400) says which does not.
    """
    must = revision.is_stateless
    _check(request, headers, METHOD_HEADER, meant=request.method, must=must)
    target = request.target
    if target is not None or NAME_HEADER in headers:
        _check(request, headers, NAME_HEADER, meant=target, must=must)
    for param in params:
        value = param.value_in(request.arguments)
        name = PARAM_PREFIX + param.header.lower().encode()
        told = headers.get(name)
        if value is None:
            if told is not None:
                raise _mismatch(request, f"{param.name} names what the body leaves out")
        elif told is None:
            if must:
                raise _mismatch(request, f"the header {param.name} is missing")
        elif not _agrees(decode_header(told), value):
            raise _mismatch(request, f"{param.name} differs from the body")


class ParamHeader(msgspec.Struct, frozen=True):
    """A tool's argument that a header repeats: ``x-mcp-header`` in its schema."""

    header: str
    path: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"Mcp-Param-{self.header}"

    def value_in(self, arguments: JsonObject) -> str | int | bool | None:
        """The argument's value, None when it is absent, null or nothing a header can hold."""
        found: JsonValue = arguments
        for part in self.path:
            if not isinstance(found, dict):
                return None
            found = found.get(part)
        return found if isinstance(found, str | int | bool) else None


def param_headers(schema: JsonObject) -> tuple[ParamHeader, ...]:
    """The arguments that a tool's ``inputSchema`` wants repeated in headers.

    ``McpSchemaError`` where an annotation breaks a rule of the specification; the tool is then not
    to be offered.
    """
    found = list(_annotated(schema, ()))
    names = [each.header.lower() for each in found]
    if len(set(names)) != len(names):
        raise _bad("two arguments want the same header")
    if len(found) > PARAM_HEADERS_MAX:
        raise _bad(f"more than {PARAM_HEADERS_MAX} arguments want headers")
    if _count(schema) != len(found):
        raise _bad("it stands where no chain of `properties` leads")
    return tuple(found)


def upstream_headers(
    method: str,
    params: JsonObject,
    *,
    revision: Revision,
    session: bytes | None = None,
    repeated: Sequence[ParamHeader] = (),
) -> list[tuple[bytes, bytes]]:
    """The protocol's headers for a request to an upstream, in its revision; names in lower case.

    ``session`` is what a server of 2025-11-25 gave at ``initialize``.
    """
    headers = [
        (b"content-type", b"application/json"),
        (b"accept", b"application/json, text/event-stream"),
    ]
    if method != "initialize":
        headers.append((VERSION_HEADER, str(revision).encode()))
    if not revision.is_stateless:
        if session is not None:
            headers.append((SESSION_HEADER, session))
        return headers
    headers.append((METHOD_HEADER, method.encode()))
    known = METHODS.get(method)
    target = params.get(known.named_by) if known and known.named_by else None
    if isinstance(target, str):
        headers.append((NAME_HEADER, encode_header(target)))
    arguments = params.get("arguments")
    for each in repeated:
        value = each.value_in(arguments) if isinstance(arguments, dict) else None
        if value is not None:
            headers.append((PARAM_PREFIX + each.header.lower().encode(), encode_header(value)))
    return headers


def encode_header(value: str | int | bool) -> bytes:
    """A value as a header holds it; base64 between markers where plain ASCII would not do."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    text = str(value)
    if (text == "" or _PLAIN.match(text)) and not _SENTINEL.match(text):
        return text.encode("ascii")
    return b"=?base64?" + base64.b64encode(text.encode("utf-8")) + b"?="


def decode_header(value: bytes) -> str | None:
    """The inverse; None for a value that is not well written."""
    try:
        text = value.decode("ascii")
        match = _SENTINEL.match(text)
        if match is None:
            return text if text == "" or _PLAIN.match(text) else None
        return base64.b64decode(match[1], validate=True).decode("utf-8")
    except (UnicodeDecodeError, binascii.Error, ValueError):
        return None


def _check(
    request: McpRequest,
    headers: Mapping[bytes, bytes],
    header: bytes,
    *,
    meant: str | None,
    must: bool,
) -> None:
    told = headers.get(header)
    name = {METHOD_HEADER: "Mcp-Method", NAME_HEADER: "Mcp-Name"}[header]
    if told is None:
        if must:
            raise _mismatch(request, f"the header {name} is missing")
        return
    if decode_header(told) != meant:
        raise _mismatch(request, f"the header {name} differs from the body")


def _agrees(told: str | None, value: str | int | bool) -> bool:
    if told is None:
        return False
    if isinstance(value, bool):
        return told == ("true" if value else "false")
    if isinstance(value, int):
        # The specification: whole numbers are compared as numbers.
        try:
            return float(told) == value and abs(value) <= _SAFE_INTEGER
        except ValueError:
            return False
    return told == value


def _annotated(schema: JsonObject, path: tuple[str, ...]) -> Iterator[ParamHeader]:
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(inner, dict):
            continue
        here = (*path, name)
        if "x-mcp-header" in inner:
            header = inner["x-mcp-header"]
            if not isinstance(header, str) or not _TOKEN.match(header):
                raise _bad("it is no header name")
            if inner.get("type") not in _PRIMITIVES:
                raise _bad("its argument is neither integer, string nor boolean")
            yield ParamHeader(header, here)
        yield from _annotated(inner, here)


def _count(value: JsonValue) -> int:
    """Annotations in the whole schema, wherever they stand. An argument may be named so."""
    if isinstance(value, list):
        return sum(_count(item) for item in value)
    if not isinstance(value, dict):
        return 0
    own = isinstance(value.get("x-mcp-header"), str)
    return own + sum(_count(inner) for name, inner in value.items() if name not in _NO_SCHEMAS)


_NO_SCHEMAS = frozenset({"default", "const", "enum", "examples", "x-mcp-header"})


def _bad(what: str) -> McpSchemaError:
    return McpSchemaError(f"the schema's `x-mcp-header` cannot be followed: {what}")


def _mismatch(request: McpRequest, what: str) -> HeaderMismatchError:
    return HeaderMismatchError(
        f"Header mismatch: {what}",
        number=HEADER_MISMATCH,
        id=request.id,
        fix="repeat in the headers what the body says, as MCP 2026-07-28 has it",
    )


def _missing(request: McpRequest, name: str) -> McpParamsError:
    return McpParamsError(
        f"`_meta` has no `io.modelcontextprotocol/{name}`",
        number=INVALID_PARAMS,
        id=request.id,
        where="/params/_meta",
        fix="send it with every request of 2026-07-28",
    )
