"""From the spans of one trace to who met whom (research: reflexion models on traces).

Other service graphs pair CLIENT with SERVER, PRODUCER with CONSUMER, and know databases. What agents
do is INTERNAL to them: ``execute_tool`` and an ``invoke_agent`` in one process are spans of neither
kind, so they are read by their operation. One call is often two spans of the caller, ``chat`` around
``POST``: the inner one lends the outer its address and its partner, and is not counted again.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from holdfast.loops.drift.observe.spans import (
    CLIENT,
    CONSUMER,
    PRODUCER,
    SERVER,
    Attribute,
    Span,
)
from holdfast.loops.drift.sightings import (
    Contact,
    Form,
    Identity,
    Presence,
    Proof,
    Tally,
    identity,
)

TIME_US_MAX = 2**52
"""No span of a real clock is later: the year 2112."""
INNER_SPANS_MAX = 16
"""How deep the caller's own spans of one call may be nested."""

_OPERATION = "gen_ai.operation.name"
_MODEL_CALLS = frozenset(
    {"chat", "text_completion", "generate_content", "embeddings", "completion"}
)


class _Trace:
    """One trace as a tree. Spans of one parent stand in the order in which they began: by the
    parent's own clock, where they are its calls, so that clocks that differ mix nothing up."""

    __slots__ = ("agents", "by_id", "children", "roots", "spent")

    def __init__(self, spans: Sequence[Span]) -> None:
        self.by_id = {span.id: span for span in spans}
        self.children: dict[str, list[Span]] = {}
        self.roots: list[Span] = []
        for span in sorted(self.by_id.values(), key=lambda span: (span.start, span.id)):
            if span.parent in self.by_id and span.parent != span.id:
                self.children.setdefault(span.parent, []).append(span)
            else:
                self.roots.append(span)
        self.agents: dict[str, Identity] = {}
        self.spent: set[str] = set()

    def walk(self) -> Iterator[Span]:
        """Every span, a caller before what it calls."""
        stack = self.roots[::-1]
        while stack:
            span = stack.pop()
            yield span
            stack.extend(reversed(self.children.get(span.id, ())))

    def below(self, span: Span) -> list[Span]:
        return self.children.get(span.id, [])


def observe_trace(spans: Sequence[Span], tally: Tally) -> None:
    """Count what one trace shows."""
    trace = _Trace(spans)
    steps: list[tuple[Identity, Identity]] = []
    first: Span | None = None
    for span in trace.walk():
        if not 0 < span.start < TIME_US_MAX:
            continue
        first = first or span
        if span.origin.identity:
            tally.show(Presence(*_origin(span)), span.start, p=span.p)
        _inherit(trace, span)
        contact = None if span.id in trace.spent else _contact(trace, span)
        if contact is not None and contact.source and contact.target:
            tally.meet(contact, span.start, p=span.p)
            steps.append((contact.source, contact.target))
    # Where spans were lost a trace falls into pieces, and its order says nothing.
    if first is not None and len(trace.roots) == 1 and len(steps) > 1:
        tally.order(tuple(steps), first.start, p=first.p)


def _origin(span: Span) -> tuple[Identity, str | None, str | None]:
    return span.origin.identity, span.origin.region, span.origin.release


def _inherit(trace: _Trace, span: Span) -> None:
    """Which agent is at work in a span: the one it names, or that of the span around it."""
    own = _agent(span.attributes)
    above = trace.by_id.get(span.parent)
    is_theirs = span.kind == CLIENT and span.attributes.get(_OPERATION) == "invoke_agent"
    if own and not is_theirs:
        trace.agents[span.id] = own
    elif above is None:
        return
    elif above.kind == CLIENT and above.attributes.get(_OPERATION) == "invoke_agent":
        trace.agents[span.id] = _agent(above.attributes)
    elif above.origin.identity == span.origin.identity and above.id in trace.agents:
        trace.agents[span.id] = trace.agents[above.id]


def _agent(attributes: dict[str, Attribute]) -> Identity:
    if "gen_ai.agent.name" not in attributes and "gen_ai.agent.id" not in attributes:
        return ""
    return identity(
        (
            ("agent-id", str(attributes.get("gen_ai.agent.id", ""))),
            ("agent-name", str(attributes.get("gen_ai.agent.name", ""))),
        )
    )


def _party(agent: Identity, origin: Identity) -> Identity:
    return f"{agent}\n{origin}" if agent and origin else agent or origin


def _contact(trace: _Trace, span: Span) -> Contact | None:
    attributes = span.attributes
    operation = attributes.get(_OPERATION)
    if span.kind == PRODUCER:
        return _sent(trace, span)
    if span.kind == CONSUMER:
        return _taken(trace, span)
    if operation == "execute_tool":
        return _tool(trace, span)
    if operation == "invoke_agent":
        return _agent_call(trace, span)
    if operation in _MODEL_CALLS:
        return _call(trace, span, Form.MODEL)
    if span.kind == SERVER:
        return None  # told by whoever called
    if operation == "retrieval" or "db.system.name" in attributes:
        return _call(trace, span, Form.STORE)
    if "mcp.method.name" in attributes:
        is_read = "mcp.resource.uri" in attributes
        return _call(trace, span, Form.READ if is_read else Form.TOOL)
    if span.kind == CLIENT or _leaves(trace, span):
        return _call(trace, span, Form.CALL)
    return None


def _leaves(trace: _Trace, span: Span) -> bool:
    """Whether a span that is no call by its kind has children elsewhere: then it was one."""
    mine = span.origin.identity
    return any(each.origin.identity != mine and each.kind != CONSUMER for each in trace.below(span))


def _call(trace: _Trace, span: Span, form: Form) -> Contact | None:
    """A call of the span's own service: with its partner where that told of it too."""
    carrier, partner = _partner(trace, span)
    attributes = (
        span.attributes
        if carrier is span
        else span.attributes
        | {name: value for name, value in carrier.attributes.items() if name not in span.attributes}
    )
    theirs = partner.origin.identity if partner is not None else ""
    target = "\n".join(part for part in (theirs, _named(attributes, form)) if part)
    if not target or theirs == span.origin.identity != "":
        return None
    return Contact(
        source=_source(trace, span),
        target=target,
        form=form,
        proof=_proof(partner),
        protocol=_protocol(attributes),
        port=_port(attributes),
        tool=_text(attributes, "gen_ai.tool.name"),
        digest=_text(attributes, "gen_ai.tool.definition.hash"),
        model=_text(attributes, "gen_ai.request.model") if form is Form.MODEL else None,
        encrypted=_encrypted(attributes),
    )


def _source(trace: _Trace, span: Span) -> Identity:
    """A gateway's spans say on whose behalf it calls."""
    caller = str(span.attributes.get("holdfast.caller", ""))
    if caller:
        return identity((("node", caller),))
    return _party(trace.agents.get(span.id, ""), span.origin.identity)


def _partner(trace: _Trace, span: Span) -> tuple[Span, Span | None]:
    """The innermost span of the caller that carried the call, and the callee's own span."""
    here = span
    for _ in range(INNER_SPANS_MAX):
        inner: Span | None = None
        for child in trace.below(here):
            if child.origin.identity != span.origin.identity:
                return here, child
            if child.kind == CLIENT and _is_plain(child):
                trace.spent.add(child.id)
                inner = child
        if inner is None:
            break
        here = inner
    return here, None


def _is_plain(span: Span) -> bool:
    """Whether a span only carries a call and says nothing of what it is for."""
    names = span.attributes
    return not (_OPERATION in names or "db.system.name" in names or "mcp.method.name" in names)


def _proof(partner: Span | None) -> Proof:
    if partner is None:
        return Proof.ONE_SIDED
    shown = partner.attributes.get("spiffe.peer.id") or partner.attributes.get("tls.client.subject")
    return Proof.AUTHENTICATED if shown else Proof.PAIRED


def _tool(trace: _Trace, span: Span) -> Contact | None:
    """What an agent ran: told by the MCP call inside where there is one, else by this span."""
    if any("mcp.method.name" in each.attributes for each in trace.below(span)):
        return None
    contact = _call(trace, span, Form.TOOL)
    if contact is None or "holdfast.caller" in span.attributes:
        return contact
    source = _party(trace.agents.get(span.id, "") or _agent(span.attributes), span.origin.identity)
    return contact._replace(source=source)


def _agent_call(trace: _Trace, span: Span) -> Contact | None:
    agent = _agent(span.attributes)
    above = trace.by_id.get(span.parent)
    caller = trace.agents.get(above.id, "") if above is not None else ""
    if span.kind != CLIENT:
        if above is None or not agent or caller == agent:
            return None  # a run that nobody began here, or one run in two spans
        if above.kind == CLIENT and above.origin.identity != span.origin.identity:
            return None  # its caller's span tells of it
        if above.kind == SERVER and not caller:
            return None  # the service hands what it is asked to its agent
        return Contact(
            source=_party(caller, above.origin.identity),
            target=_party(agent, span.origin.identity),
            form=Form.AGENT,
            proof=Proof.PAIRED,
        )
    contact = _call(trace, span, Form.AGENT)
    if contact is None:
        return None
    return contact._replace(
        source=_party(caller, span.origin.identity), target=_party(agent, contact.target)
    )


def _sent(trace: _Trace, span: Span) -> Contact | None:
    queue = _queue(span.attributes)
    for child in trace.below(span):
        if child.kind == CONSUMER and not queue:
            return _handed(trace, span, child)
    if not queue:
        return None
    return Contact(
        source=_source(trace, span),
        target=queue,
        form=Form.SEND,
        proof=Proof.ONE_SIDED,
        protocol=_protocol(span.attributes),
        port=_port(span.attributes),
        encrypted=_encrypted(span.attributes),
    )


def _taken(trace: _Trace, span: Span) -> Contact | None:
    queue = _queue(span.attributes)
    if queue:
        return Contact(
            source=queue,
            target=_source(trace, span),
            form=Form.TAKE,
            proof=Proof.ONE_SIDED,
            protocol=_protocol(span.attributes),
        )
    for name, number in span.links:
        sender = trace.by_id.get(number)
        if name == span.trace and sender is not None and sender.kind == PRODUCER:
            return _handed(trace, sender, span)
    return None


def _handed(trace: _Trace, sender: Span, taker: Span) -> Contact:
    """Sent and taken where nobody says through which queue."""
    return Contact(
        source=_source(trace, sender),
        target=taker.origin.identity,
        form=Form.SEND,
        proof=Proof.PAIRED,
        protocol=_protocol(sender.attributes),
    )


def _queue(attributes: dict[str, Attribute]) -> Identity:
    return identity((("queue", str(attributes.get("messaging.destination.name", ""))),))


def _named(attributes: dict[str, Attribute], form: Form) -> Identity:
    """What a caller calls its callee by."""
    host, port = _address(attributes)
    callee = str(attributes.get("holdfast.callee", ""))
    claims = [("node", callee), ("service", _peer(attributes))]
    if host:
        is_ip = _is_ip(host)
        claims.append(("address", f"{host}:{port}" if port else host))
        claims.extend([("ip", host)] if is_ip else [])
    match form:
        case Form.STORE:
            store = str(attributes.get("db.namespace", ""))
            system = str(attributes.get("db.system.name", ""))
            claims.append(("db", f"{system}/{store}" if store else ""))
            claims.append(("store", str(attributes.get("gen_ai.data_source.id", ""))))
        case Form.MODEL:
            claims.append(("model", str(attributes.get("gen_ai.request.model", ""))))
        case Form.TOOL:
            claims.append(("tool", str(attributes.get("gen_ai.tool.name", ""))))
        case _:
            pass
    return identity(claims)


def _peer(attributes: dict[str, Attribute]) -> str:
    name = str(attributes.get("service.peer.name", ""))
    return f"/{name}" if name else ""


def _address(attributes: dict[str, Attribute]) -> tuple[str, int | None]:
    host = str(attributes.get("server.address", ""))
    if not host and "url.full" in attributes:
        try:
            host = urlsplit(str(attributes["url.full"])).hostname or ""
        except ValueError:
            host = ""
    host = host or str(attributes.get("network.peer.address", ""))
    return host.lower().rstrip("."), _port(attributes)


def _port(attributes: dict[str, Attribute]) -> int | None:
    said = attributes.get("server.port")
    if said is None and "url.full" in attributes:
        try:
            parts = urlsplit(str(attributes["url.full"]))
            return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        except ValueError:
            return None
    try:
        port = int(said) if said is not None else 0
    except (ValueError, OverflowError):
        return None
    return port if 0 < port < 65_536 else None


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _protocol(attributes: dict[str, Attribute]) -> str | None:
    """The family of a protocol, in lower case; None where nothing tells."""
    if "db.system.name" in attributes:
        return "db"
    if "messaging.system" in attributes:
        return str(attributes["messaging.system"]).lower()
    if "rpc.system" in attributes or "rpc.system.name" in attributes:
        return str(attributes.get("rpc.system.name") or attributes["rpc.system"]).lower()
    scheme = str(attributes.get("url.scheme", "") or attributes.get("url.full", ""))
    name = scheme.partition(":")[0].lower()
    return "http" if name == "https" else name or None


def _encrypted(attributes: dict[str, Attribute]) -> bool | None:
    if "tls.established" in attributes:
        return attributes["tls.established"] is True
    scheme = str(attributes.get("url.scheme", "") or attributes.get("url.full", "")).partition(":")
    return {"https": True, "wss": True, "http": False, "ws": False}.get(scheme[0].lower())


def _text(attributes: dict[str, Attribute], name: str) -> str | None:
    said = attributes.get(name)
    return str(said)[:200] if said else None
