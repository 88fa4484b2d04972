"""The MCP endpoint: composes the stages for its dialect, and answers what is asked of itself.

The order is the path's own: accept, authenticate, authorize, guard, route, send, write. Between
guard and route the thing that is called is vetted: approved as it is now, its arguments fitting.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from holdfast.blueprint import Blueprint
from holdfast.core import HoldfastError, JsonObject, NodeId
from holdfast.gateway.approving import Approvals, Held
from holdfast.gateway.call import (
    Accepted,
    Allowed,
    Answered,
    Begun,
    Known,
    Listed,
    Outcome,
    Refused,
    Routed,
    Screened,
)
from holdfast.gateway.duties import oblige_call
from holdfast.gateway.groups import Group
from holdfast.gateway.journeys import ROUTED_MARKS, Journey, Journeys
from holdfast.gateway.lines.asking import HOLDFAST
from holdfast.gateway.mcp.accepting import McpAccept
from holdfast.gateway.mcp.asked import LIST, McpAsked, McpRefused, McpRouted, Noticed, Vetted
from holdfast.gateway.mcp.authorizing import McpAuthorize
from holdfast.gateway.mcp.delivering import McpDelivery
from holdfast.gateway.mcp.metadata import is_metadata_path
from holdfast.gateway.mcp.offers import OFFERED, Offers
from holdfast.gateway.mcp.recording import McpWrite
from holdfast.gateway.mcp.routing import McpRoute, carry
from holdfast.gateway.mcp.shared import Shared
from holdfast.gateway.mcp.vetting import Vet
from holdfast.gateway.mcp.words import end_events, say_refused, withhold_mcp
from holdfast.gateway.means import Means
from holdfast.gateway.news import OnNews
from holdfast.gateway.replies import Said, reply_headers
from holdfast.gateway.rules import RULES
from holdfast.gateway.sending import Sending
from holdfast.gateway.stages.authenticate import Authenticate
from holdfast.gateway.stages.guard import Guard
from holdfast.gateway.tolls import TollBook
from holdfast.policy import Policy
from holdfast.providers.mcp import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    SESSION_HEADER,
    SUPPORTED,
    McpParamsError,
    Revision,
    write_result,
)
from holdfast.resilience import Spending
from holdfast.wire import Exchange, Header, Request
from holdfast.world.ports import Clock, Entropy

_STALE: Final = "try again shortly; see why the gateway's keeper is silent"
_NOTED: Final = Said(202, (), b"")
_CHANGES: Final[JsonObject] = {"listChanged": True}


class Desk:
    """One path's MCP endpoint."""

    def __init__(
        self,
        blueprint: Blueprint,
        policy: Policy,
        *,
        groups: dict[NodeId, Group],
        tolls: TollBook,
        authenticate: Authenticate,
        guard: Guard,
        write: McpWrite,
        clock: Clock,
        entropy: Entropy,
        journeys: Journeys,
        spending: Spending,
        on_news: OnNews,
        shared: Shared,
        approvals: Approvals,
        is_stale: Callable[[], bool],
    ) -> None:
        self._approvals = approvals
        self._is_stale = is_stale
        self._accept = McpAccept(clock, entropy, hosts=shared.hosts)
        self._authenticate = authenticate
        self._authorize = McpAuthorize(blueprint, policy)
        self._guard = guard
        self._vet = Vet(shared.catalogue)
        self._route = McpRoute(blueprint, groups, tolls=tolls, seal=shared.seal)
        self._offers = Offers(blueprint, policy, shared.catalogue)
        self._write = write
        self._journeys = journeys
        self._now = clock.monotonic
        self._shared = shared
        self._means = Means(
            clock=clock,
            entropy=entropy,
            write=write,
            spending=spending,
            reroute=_stay,
            carry=carry,
            deliver=partial(McpDelivery, write=write, now=self._now, shared=shared),
            on_news=on_news,
        )

    def handle(self, request: Request, exchange: Exchange) -> bool:
        """Begin to answer; False when the path is not ours."""
        if is_metadata_path(request.target):
            self._tell_metadata(request, exchange)
            return True
        began = self._now()
        accepted = self._accept(request)
        if accepted is None:
            return False
        if isinstance(accepted, Noticed):
            self._notice(accepted, request, exchange)
            return True
        begun = accepted.state if isinstance(accepted, Refused) else accepted
        assert isinstance(begun, Accepted | Begun)
        journey = Journey(begun.call, began, accepted)
        self._journeys.begin(journey)
        journey.marks.append(self._now())
        ready = (
            accepted if isinstance(accepted, Refused) else self._admit(accepted, journey, request)
        )
        if isinstance(ready, Screened):
            self._when_seen(ready, journey, exchange)
        elif isinstance(ready, Listed):
            self._serve(ready, journey, exchange)
        else:
            self._refuse(ready, journey, exchange)
        return True

    # -- the questions --------------------------------------------------------------------------

    def _admit(
        self, accepted: Accepted, journey: Journey, request: Request
    ) -> Screened | Listed | Refused:
        marks, now = journey.marks, self._now
        known = self._know(accepted, request)
        marks.append(now())
        if isinstance(known, Refused):
            return known
        asked = accepted.asked
        assert isinstance(asked, McpAsked)
        if asked.subject is None:
            return Listed(known, ())
        allowed = self._authorize(known)
        marks.append(now())
        if isinstance(allowed, Refused):
            return allowed
        assert not isinstance(allowed, Listed)
        screened = self._guard(allowed)
        marks.append(now())
        return screened

    def _know(self, accepted: Accepted, request: Request) -> Known | Refused:
        """Who calls; and a session's id, where one came along, is one of theirs."""
        known = self._authenticate(accepted, request)
        asked = accepted.asked
        if isinstance(known, Refused) or not isinstance(asked, McpAsked):
            return known
        session = asked.session
        if session is None or asked.revision.is_stateless:
            return known
        if self._shared.seal.is_session(session, known.principal):
            return known
        rule = RULES["mcp.session"]
        return McpRefused(
            *(rule, rule.meaning, "initialize anew", known),
            number=INVALID_REQUEST,
            http=rule.status,
            id=asked.request.id,
        )

    def _when_seen(self, screened: Screened, journey: Journey, exchange: Exchange) -> None:
        """A server's things are called only once they were looked at since the worker began."""
        catalogue, server = self._shared.catalogue, screened.allowed.callee.id
        journey.state = screened
        if catalogue.watches(server) and not catalogue.has_seen(server):
            proceed = _Proceeding(self._proceed, screened, journey, exchange)
            if catalogue.when_seen(server, proceed):
                return
        self._proceed(screened, journey, exchange)

    def go_on(self, known: Known | Refused, journey: Journey, exchange: Exchange) -> None:
        """Send a call that somebody approved, if it may still go and is what was approved."""
        del journey.marks[ROUTED_MARKS - 1 :]
        ready = known if isinstance(known, Refused) else self._authorize(known)
        if isinstance(ready, Allowed):
            ready = self._guard(ready)
        if isinstance(ready, Refused):
            self._refuse(ready, journey, exchange)
            return
        assert isinstance(ready, Screened)
        self._proceed(ready, journey, exchange)

    def _proceed(self, screened: Screened, journey: Journey, exchange: Exchange) -> None:
        routed = self._routed(screened, journey)
        journey.marks.append(self._now())
        if isinstance(routed, Refused):
            self._refuse(routed, journey, exchange)
            return
        if routed.may_act and self._is_stale():
            rule = RULES["authority.stale"]
            self._refuse(Refused(rule, rule.meaning, _STALE, routed), journey, exchange)
            return
        fault = self._write.fault
        if fault is not None:
            # The refusal's own record is tried, so that the log's recovery is noticed.
            rule = RULES["audit.unavailable"]
            self._refuse(Refused(rule, rule.meaning, fault.fix, routed), journey, exchange)
            return
        journey.state = routed
        if routed.screened.approvals and journey.approval is None:
            self._hold(routed, journey, exchange)
        else:
            self._send(routed, journey, exchange)

    def _routed(self, screened: Screened, journey: Journey) -> McpRouted | Refused:
        vetted = self._vet(screened)
        if isinstance(vetted, Refused):
            return vetted
        if screened.allowed.decision.obligations:
            screened = oblige_call(screened)
        if journey.approval is not None:
            changed = journey.unheard(screened.approvals) or _differs(journey.state, vetted)
            if changed is not None:
                return Refused(RULES["approval.interrupted"], changed, "call again", screened)
        return self._route(screened, vetted)

    def _hold(self, routed: McpRouted, journey: Journey, exchange: Exchange) -> None:
        """A person must say yes first; meanwhile its client may take it back."""
        held = Held(
            routed,
            approvals=self._approvals,
            delivery=self._means.deliver(routed, journey=journey, exchange=exchange),
            journey=journey,
            exchange=exchange,
        )
        self._track(routed, journey, held.cancel)
        self._approvals.hold(held)

    # -- on its way -----------------------------------------------------------------------------

    def _send(self, routed: McpRouted, journey: Journey, exchange: Exchange) -> None:
        sending = Sending(routed, means=self._means, journey=journey, exchange=exchange)
        self._track(routed, journey, sending.cancel)
        sending.begin()

    def _track(self, routed: McpRouted, journey: Journey, cancel: Callable[[], None]) -> None:
        known = routed.screened.allowed.known
        asked = known.accepted.asked
        assert isinstance(asked, McpAsked)
        self._shared.cancels.add(
            known.principal, asked.session, asked.request.id, journey.call, cancel
        )

    def _notice(self, noticed: Noticed, request: Request, exchange: Exchange) -> None:
        """A notification: whose it is must be known; none but a cancellation means anything."""
        begun, note = noticed.begun, noticed.note
        accepted = Accepted(
            *(begun.call, begun.at, LIST, None, None, request.headers, request.body, None),
            begun.context,
        )
        known = self._authenticate(accepted, request)
        if isinstance(known, Refused):
            journey = Journey(begun.call, self._now(), accepted)
            self._journeys.begin(journey)
            self._refuse(known, journey, exchange)
            return
        if note.method == "notifications/cancelled":
            identity = note.params.get("requestId")
            if isinstance(identity, str | int):
                self._shared.cancels.cancel(known.principal, noticed.session, identity)
        exchange.respond(_NOTED.status, _NOTED.headers, _NOTED.body)

    # -- our own answers ------------------------------------------------------------------------

    def _serve(self, listed: Listed, journey: Journey, exchange: Exchange) -> None:
        known = listed.known
        asked = known.accepted.asked
        assert isinstance(asked, McpAsked)
        method = asked.request.method
        if method == "subscriptions/listen":
            self._listen(listed, asked, journey, exchange)
            return
        headers = reply_headers(journey.call)
        if method == "initialize":
            headers = (
                *headers,
                (SESSION_HEADER, self._shared.seal.session(known.principal).encode()),
            )
        try:
            result = self._result(known, asked)
        except McpParamsError as error:
            refused = McpRefused(
                *(RULES["mcp.params"], error.what, error.fix, known),
                number=INVALID_PARAMS,
                http=200,
                id=asked.request.id,
            )
            self._refuse(refused, journey, exchange)
            return
        body = write_result(
            asked.request.id, result, revision=asked.revision, server=HOLDFAST, method=method
        )
        self._answer(listed, journey, exchange, Said(200, headers, body))

    def _result(self, known: Known, asked: McpAsked) -> JsonObject:
        method = asked.request.method
        if method in OFFERED:
            return self._offers.page(known, asked)
        if method == "initialize":
            return _introduction()
        return _discovery() if method == "server/discover" else {}

    def _listen(
        self, listed: Listed, asked: McpAsked, journey: Journey, exchange: Exchange
    ) -> None:
        listeners = self._shared.listeners
        if listeners.is_full:
            rule = RULES["bulkhead.full"]
            self._refuse(Refused(rule, rule.meaning, "", listed.known), journey, exchange)
            return

        def begin(error: HoldfastError | None) -> None:
            if error is not None:
                withhold_mcp(exchange, journey.call, error, identity=asked.request.id)
            elif exchange.busy:
                listeners.begin(asked, journey.call, exchange)

        outcome = Outcome("answered", 200)
        self._write.answered(Answered(listed, outcome), journey, event="call", done=begin)

    def _answer(self, listed: Listed, journey: Journey, exchange: Exchange, said: Said) -> None:
        asked = listed.known.accepted.asked
        identity = asked.request.id if isinstance(asked, McpAsked) else None

        def release(error: HoldfastError | None) -> None:
            if error is None:
                exchange.respond(said.status, said.headers, said.body)
            else:
                withhold_mcp(exchange, journey.call, error, identity=identity)

        outcome = Outcome("answered", 200)
        self._write.answered(Answered(listed, outcome), journey, event="call", done=release)

    def _refuse(self, refused: Refused, journey: Journey, exchange: Exchange) -> None:
        said = say_refused(refused, journey.call)
        headers = said.headers
        if refused.rule.status == 401:
            headers = (*headers, self._challenge(refused))

        def release(error: HoldfastError | None) -> None:
            if journey.has_events:
                end_events(exchange, said.body, error)
            elif error is None:
                exchange.respond(said.status, headers, said.body)
            else:
                withhold_mcp(exchange, journey.call, error, identity=None)

        self._write.refused(refused, journey, release)

    def _challenge(self, refused: Refused) -> Header:
        state = refused.state
        accepted = state.accepted if isinstance(state, Known) else state
        fields = accepted.headers if isinstance(accepted, Accepted) else {}
        is_missing = refused.rule.code == "identity.missing"
        error = None if is_missing else "invalid_token"
        return self._shared.resource.challenge(fields, error=error)

    def _tell_metadata(self, request: Request, exchange: Exchange) -> None:
        if request.method != b"GET":
            exchange.respond(405, ((b"allow", b"GET"),), b"")
            return
        body = self._shared.resource.metadata(request.headers)
        exchange.respond(200, ((b"content-type", b"application/json"),), body)


def _differs(asked_about: object, vetted: Vetted) -> str | None:
    """What is wrong where the thing is not as it was when somebody said yes to its use."""
    if not isinstance(asked_about, McpRouted):
        return None
    before, now = asked_about.vetted.pin.descriptor, vetted.pin.descriptor
    return None if before.digest == now.digest else "its description is another than was approved"


class _Proceeding:
    """A call that waits for the first look at its server."""

    __slots__ = ("_exchange", "_journey", "_proceed", "_screened")

    def __init__(
        self,
        proceed: Callable[[Screened, Journey, Exchange], None],
        screened: Screened,
        journey: Journey,
        exchange: Exchange,
    ) -> None:
        self._proceed = proceed
        self._screened = screened
        self._journey = journey
        self._exchange = exchange

    def __call__(self) -> None:
        self._proceed(self._screened, self._journey, self._exchange)


def _stay(routed: Routed, name: NodeId) -> Routed | None:  # noqa: ARG001 - a means.Reroute
    """A tool of one server is no other server's: there is nothing to fall back to."""
    return None


def _introduction() -> JsonObject:
    """What ``initialize`` of 2025-11-25 is answered with."""
    return {
        "protocolVersion": str(Revision.V2025_11_25),
        "capabilities": {
            "tools": {},
            "resources": {},
            "prompts": {},
            "completions": {},
            "logging": {},
        },
        "serverInfo": {"name": HOLDFAST.name, "version": HOLDFAST.version},
    }


def _discovery() -> JsonObject:
    """What ``server/discover`` is answered with."""
    return {
        "supportedVersions": [str(revision) for revision in SUPPORTED],
        "capabilities": {
            "tools": _CHANGES,
            "resources": _CHANGES,
            "prompts": _CHANGES,
            "completions": {},
            "logging": {},
        },
    }
