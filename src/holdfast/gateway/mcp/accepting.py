"""Accept: is this an MCP request, whole and consistent, from somewhere that may ask?

Sources: MCP 2026-07-28 and 2025-11-25, Streamable HTTP. A message is read once, strictly, before
anything is asked about it: what two parsers could read differently never reaches a decision.
"""

import ipaddress
from typing import Final

import msgspec

from holdfast.core import RANDOM_BYTES, CallId, NodeId, ulid
from holdfast.gateway.call import Accepted, Begun
from holdfast.gateway.context import read_context, within
from holdfast.gateway.mcp.asked import (
    CALL,
    LIST,
    MCP_PATH,
    PROMPT,
    READ,
    McpAsked,
    McpRefused,
    Noticed,
    Subject,
)
from holdfast.gateway.mcp.naming import View
from holdfast.gateway.rules import RULES
from holdfast.providers import Endpoint
from holdfast.providers.mcp import (
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    METHODS,
    SESSION_HEADER,
    McpAnswer,
    McpError,
    McpMethodError,
    McpNotification,
    McpParamsError,
    McpRequest,
    Revision,
    check_headers,
    method_not_found,
    read_message,
    revision_spoken,
)
from holdfast.wire import Headers, Request
from holdfast.world.ports import Clock, Entropy

_PREFIX: Final = MCP_PATH.encode() + b"/"
_BY_METHOD: Final[dict[str, tuple[Endpoint, Subject]]] = {
    "tools/call": (CALL, "tool"),
    "resources/read": (READ, "resource"),
    "prompts/get": (PROMPT, "prompt"),
}
_OURS: Final = frozenset(
    (
        *("initialize", "ping", "server/discover", "tools/list", "resources/list"),
        *("resources/templates/list", "prompts/list", "logging/setLevel", "subscriptions/listen"),
    )
)


class McpAccept:
    """The first stage. ``hosts`` are names that the gateway is known by, beside addresses and
    ``localhost``: a browser that was led here under another name is turned away."""

    __slots__ = ("_clock", "_entropy", "_hosts")

    def __init__(self, clock: Clock, entropy: Entropy, *, hosts: frozenset[str]) -> None:
        self._clock = clock
        self._entropy = entropy
        self._hosts = hosts

    def __call__(self, request: Request) -> Accepted | Noticed | McpRefused | None:
        """None when the path is not MCP's."""
        path = request.target.partition(b"?")[0]
        if path != _PREFIX[:-1] and not path.startswith(_PREFIX):
            return None
        at = self._clock.now()
        call = CallId(ulid(at, self._entropy.noise(RANDOM_BYTES)))
        begun = Begun(call, at, LIST, request.body, read_context(request.headers))
        server = path[len(_PREFIX) :].decode("ascii", "replace")
        view = View(NodeId(server) if server else None)
        problem = self._problem(request)
        if problem is not None:
            code, fix = problem
            rule = RULES[code]
            return McpRefused(
                rule, rule.meaning, fix, begun, number=INVALID_REQUEST, http=rule.status
            )
        try:
            message = read_message(request.body)
            if isinstance(message, McpNotification):
                return Noticed(begun=begun, note=message, session=_session(request.headers))
            return self._accepted(request, message, view, begun=begun)
        except McpError as error:
            return _unread(error, begun)

    def _accepted(
        self,
        request: Request,
        message: McpRequest | McpAnswer,
        view: View,
        *,
        begun: Begun,
    ) -> Accepted:
        if isinstance(message, McpAnswer):
            raise McpError("no request of ours waits for an answer")
        # Space around a value is no part of it (RFC 9110 section 5.5).
        headers = {name: value.strip(b" \t") for name, value in request.headers.items()}
        revision = revision_spoken(message, headers)
        known = message.known
        if (
            known is None
            or known.sender != "client"
            or revision not in known.revisions
            or (message.method not in _OURS and not _is_forwarded(message.method))
        ):
            raise method_not_found(message)
        check_headers(message, headers, revision=revision)
        endpoint, asked = _asked(message, revision, view, headers)
        meta = message.meta
        context = within(begun.context, meta.trace, meta.session)
        return Accepted(
            *(begun.call, begun.at, endpoint, asked, None, headers, request.body, None), context
        )

    def _problem(self, request: Request) -> tuple[str, str] | None:
        """The rule by which the HTTP request itself is refused, and how to mend it."""
        headers = request.headers
        origin = headers.get(b"origin")
        host = _host(headers.get(b"host", b""))
        if origin is not None:
            from_host = _host(origin.partition(b"://")[2])
            if not self._is_known(from_host):
                return "request.origin", "call from a page of a host that the gateway is known by"
        if (origin is not None or _is_loopback(request.peer)) and not self._is_known(host):
            return "request.host", "call the gateway by its address, or by a name it is known by"
        if request.method != b"POST":
            return "request.method", f"use POST for {MCP_PATH}; no stream is offered by GET"
        if not headers.get(b"content-type", b"").lower().startswith(b"application/json"):
            return "request.type", "send Content-Type: application/json"
        return None

    def _is_known(self, host: str) -> bool:
        return host == "localhost" or host in self._hosts or _is_address(host)


def _is_forwarded(method: str) -> bool:
    return method in _BY_METHOD or method == "completion/complete"


def _asked(
    message: McpRequest, revision: Revision, view: View, headers: Headers
) -> tuple[Endpoint, McpAsked]:
    server, name, subject, endpoint = _meant(message, view)
    accept = headers.get(b"accept", b"")
    asked = McpAsked(
        model=server,
        stream=False,
        tools=False,
        max_tokens=None,
        request=message,
        revision=revision,
        view=view,
        subject=subject,
        name=name,
        takes_events=b"text/event-stream" in accept or b"*/*" in accept,
        session=_session(headers),
    )
    return endpoint, asked


def _meant(message: McpRequest, view: View) -> tuple[NodeId, str, Subject | None, Endpoint]:
    """Server, name there, what it is, and the action that it means."""
    found = _BY_METHOD.get(message.method)
    if found is None:
        if message.method != "completion/complete":
            return view.server or NodeId(""), "", None, LIST
        return _completed(message, view)
    endpoint, subject = found
    text = message.target or ""
    server, name = view.split_uri(text) if subject == "resource" else view.split_name(text)
    return server, name, subject, endpoint


def _completed(message: McpRequest, view: View) -> tuple[NodeId, str, Subject, Endpoint]:
    """What a completion is about: a prompt, or a resource template."""
    ref = message.params.get("ref")
    found = ref if isinstance(ref, dict) else {}
    name, uri = found.get("name"), found.get("uri")
    if found.get("type") == "ref/prompt" and isinstance(name, str):
        server, own = view.split_name(name)
        return server, own, "prompt", PROMPT
    if found.get("type") == "ref/resource" and isinstance(uri, str):
        server, own = view.split_uri(uri)
        return server, own, "resource", READ
    raise McpError("`ref` names neither a prompt nor a resource", id=message.id, number=-32602)


class _Peeked(msgspec.Struct):
    method: str = ""


_PEEK = msgspec.json.Decoder(_Peeked)
_STATELESS_MARK = b'"io.modelcontextprotocol/protocolVersion"'


def _unread(error: McpError, begun: Begun) -> McpRefused:
    """What the message's own faults are answered with: each by its number and status."""
    is_stateless = _STATELESS_MARK in begun.body
    if is_stateless and isinstance(error, McpParamsError):
        error = _of_other_revision(error, begun.body) or error
    rule = RULES[error.code if error.code in RULES else "mcp.message"]
    # A method that a revision does not have: only 2026-07-28 says so by the status as well.
    is_quiet = isinstance(error, McpMethodError) and not is_stateless
    return McpRefused(
        rule,
        error.what,
        error.fix,
        begun,
        param=error.where,
        number=error.number,
        http=200 if is_quiet else rule.status,
        id=error.id,
        data=error.data if isinstance(error.data, dict) else None,
    )


def _of_other_revision(error: McpError, body: bytes) -> McpError | None:
    """Whether the params are wrong only since the method itself is another revision's."""
    try:
        method = METHODS.get(_PEEK.decode(body).method)
    except msgspec.DecodeError:
        return None
    if method is None or Revision.V2026_07_28 in method.revisions:
        return None
    what = f"there is no method '{method.name}' in this revision"
    return McpMethodError(what, number=METHOD_NOT_FOUND, id=error.id)


def _session(headers: Headers) -> str | None:
    found = headers.get(SESSION_HEADER)
    return None if found is None else found.decode("ascii", "replace")


def _host(authority: bytes) -> str:
    """The host in ``host[:port]``, lower case, without brackets."""
    text = authority.partition(b"/")[0].decode("ascii", "replace").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(peer: str) -> bool:
    return peer.startswith("127.") or peer in ("::1", "::ffff:127.0.0.1")
