"""Route: to which server, and what is asked there. The caller's own ids and tokens end here."""

from collections.abc import Mapping

from holdfast.blueprint import Blueprint, Relationship, Timeouts
from holdfast.core import JsonObject, NodeId
from holdfast.gateway.attempt import Attempt
from holdfast.gateway.call import Refused, Routed, Screened
from holdfast.gateway.context import traced_meta
from holdfast.gateway.duties import redacted_params
from holdfast.gateway.groups import Group
from holdfast.gateway.holding import Hold
from holdfast.gateway.lines.asking import Ask
from holdfast.gateway.mcp.asked import McpAsked, McpRouted, Vetted
from holdfast.gateway.mcp.covering import covered_tolls
from holdfast.gateway.mcp.sealing import Seal
from holdfast.gateway.rules import RULES
from holdfast.gateway.tolls import NO_TOKENS, TollBook, Tolls
from holdfast.identity import principals

_CALL = "tools/call"
_NAMES = frozenset(("name", "uri", "ref", "requestState"))


class McpRoute:
    """Makes what ``send`` takes."""

    __slots__ = ("_blueprint", "_groups", "_principals", "_seal", "_tolls")

    def __init__(
        self, blueprint: Blueprint, groups: Mapping[NodeId, Group], *, tolls: TollBook, seal: Seal
    ) -> None:
        self._blueprint = blueprint
        self._groups = groups
        self._principals = principals(blueprint)
        self._tolls = tolls
        self._seal = seal

    def __call__(self, screened: Screened, vetted: Vetted) -> McpRouted | Refused:
        allowed = screened.allowed
        accepted, link = allowed.known.accepted, allowed.relationship
        group = self._groups.get(allowed.callee.id)
        asked = accepted.asked
        assert isinstance(asked, McpAsked)
        if group is None or not is_mcp(group):
            rule = RULES["upstream.missing"]
            fix = f"give '{allowed.callee.id}' an upstream of the dialect mcp in the blueprint"
            return Refused(rule, rule.meaning, fix, screened)
        params = self._params(asked, vetted, allowed.known.principal)
        if params is None:
            rule = RULES["mcp.state"]
            return Refused(rule, rule.meaning, "begin the call anew", screened)
        if allowed.decision.obligations:
            params = redacted_params(params, screened, names=_NAMES)
            if isinstance(params, Refused):
                return params
        tolls, caller = self._tolls.of(link), allowed.known.caller
        if caller.mandate is not None or caller.ceilings:
            covered = covered_tolls(
                allowed.known,
                vetted,
                params,
                location=self._principals[allowed.callee.id],
                tolls=self._tolls.with_prices(link),
            )
            if not isinstance(covered, Tolls):
                code, what, fix = covered
                return Refused(RULES[code], what, fix, screened)
            tolls = covered
        is_call = asked.request.method == _CALL
        return McpRouted(
            screened,
            group,
            _timeouts(link, vetted, self._blueprint.timeouts(link)),
            b"",
            NO_TOKENS,
            tolls,
            allowed.known.principal.encode("utf-8"),
            ask=_ask(asked, params, screened, vetted),
            vetted=vetted,
            is_repeatable=not is_call or _is_harmless(link, vetted),
            acts=is_call,
        )

    def _params(self, asked: McpAsked, vetted: Vetted, principal: str) -> JsonObject | None:
        """The request's params in the server's own names; None where its state is not ours."""
        params = dict(asked.request.params)
        if "name" in params:
            params["name"] = vetted.own
        if "uri" in params:
            params["uri"] = asked.name
        ref = params.get("ref")
        if isinstance(ref, dict):
            key = "name" if asked.subject == "prompt" else "uri"
            params["ref"] = {"type": ref.get("type"), key: vetted.own}
        state = params.get("requestState")
        if isinstance(state, str):
            opened = self._seal.open(state, principal=principal, about=about(asked))
            if opened is None:
                return None
            params["requestState"] = opened
        return params


def about(asked: McpAsked) -> str:
    """What a request is about: a server's state given out over one is good for no other."""
    return f"{asked.model}\n{asked.request.method}\n{asked.name}"


def carry(routed: Routed, attempt: Attempt, **_of_streams: float | str | None) -> Hold:
    """Send the request over the attempt's line (a ``means.Carry``): a server is told to stop,
    never hurried, and nobody goes on with another's answer."""
    line = attempt.place.upstream.line
    assert isinstance(routed, McpRouted)
    assert line is not None
    return line.send(routed.ask, attempt, fresh=attempt.is_afresh)


def _ask(asked: McpAsked, params: JsonObject, screened: Screened, vetted: Vetted) -> Ask:
    request, known = asked.request, screened.allowed.known
    meta, stateless = request.meta, asked.revision.is_stateless
    return Ask(
        method=request.method,
        params=params,
        principal=known.principal,
        call=known.accepted.call,
        repeated=vetted.repeated,
        capabilities=(meta.capabilities or {}) if stateless else {},
        progress=asked.takes_events and meta.progress_token is not None,
        logs=asked.takes_events and not stateless,
        # A client of 2025-11-25 cannot say in a request how much it wants to hear.
        log_level=(meta.log_level if stateless else "info") if asked.takes_events else None,
        trace=traced_meta(known.accepted.context, meta.trace, known.accepted.call),
        bytes_max=screened.limits.answer_bytes,
    )


def _timeouts(link: Relationship, vetted: Vetted, under: Timeouts) -> Timeouts:
    """A tool's own time, where one is written, is for the whole of its call."""
    own_s = link.tools.timeout_s(vetted.own) if vetted.kind == "tool" else None
    if own_s is None:
        return under
    return Timeouts(
        connect_s=min(under.connect_s, own_s), first_byte_s=own_s, idle_s=own_s, total_s=own_s
    )


def _is_harmless(link: Relationship, vetted: Vetted) -> bool:
    """Whether a call of the tool only reads, by what the blueprint and its approved description
    say: then it may be tried again."""
    hint = vetted.pin.descriptor.is_read_only
    return link.tools.side_effects(vetted.own, is_read_only=hint) != "write"


def is_mcp(group: Group) -> bool:
    """Whether its upstreams are MCP servers."""
    return all(place.upstream.line is not None for place in group.places)
