"""The path of a call: every stage, in order, each with the reason for its place.

1. ``accept``       before anything is spent on a call, it must be one.
2. ``authenticate`` before anything is said about the system, we know to whom.
3. ``authorize``    before content is looked at, the caller may speak over this relationship.
4. ``guard``        before content leaves, it is within limits.
   What policy asks for beside its yes is done next: texts taken out, answers capped.
5. ``route``        last of the questions: the bytes to send exist only for calls that may go.
   A call that owes a person's approval waits here (``approving``), and is asked about anew.
6. ``send``         takes only a ``Routed``: nothing unasked can be sent.
7. ``write``        every way ends here, refusals too; the answer leaves after its record is durable.
"""

from functools import partial
from typing import TypeVar

import msgspec

from holdfast.audit import Recorder
from holdfast.blueprint import Blueprint
from holdfast.core import HoldfastError, NodeId, Salt
from holdfast.gateway.approving import Approvals, Held
from holdfast.gateway.call import (
    Accepted,
    Allowed,
    Answered,
    Begun,
    Cached,
    Known,
    Listed,
    Outcome,
    Refused,
    Routed,
    Screened,
    State,
)
from holdfast.gateway.delivery import Delivery
from holdfast.gateway.duties import oblige
from holdfast.gateway.groups import Group
from holdfast.gateway.identities import Identities
from holdfast.gateway.identity_desk import IdentityDesk
from holdfast.gateway.journeys import ROUTED_MARKS, Journey, Journeys
from holdfast.gateway.mcp.asked import McpAsked
from holdfast.gateway.mcp.desk import Desk
from holdfast.gateway.mcp.recording import McpWrite
from holdfast.gateway.mcp.routing import is_mcp
from holdfast.gateway.mcp.shared import Shared
from holdfast.gateway.means import Means
from holdfast.gateway.news import OnNews
from holdfast.gateway.replies import REQUEST_ID, Said, error_reply, reply_headers, saying, withhold
from holdfast.gateway.rules import RULES
from holdfast.gateway.stages.accept import Accept
from holdfast.gateway.stages.authenticate import Authenticate
from holdfast.gateway.stages.authorize import Authorize
from holdfast.gateway.stages.guard import Guard
from holdfast.gateway.stages.route import Caches, Route, carry
from holdfast.gateway.stages.send import Send
from holdfast.gateway.stages.write import Write
from holdfast.gateway.standing import Standings
from holdfast.gateway.tolls import TollBook
from holdfast.gateway.upstreams import Upstream
from holdfast.identity import Credentials
from holdfast.policy import Policy
from holdfast.providers import model_body, models_body
from holdfast.resilience import Spending
from holdfast.wire import Exchange, Request
from holdfast.world.ports import Clock, Entropy

W = TypeVar("W", bound=Write)
NO_SUCH_PATH = (
    b'{"error":{"message":"no such path; calls go to /v1/chat/completions, /v1/completions, '
    b'/v1/embeddings, /v1/models and /mcp","type":"invalid_request_error","param":null,'
    b'"code":"request.path"}}'
)


class Settings(msgspec.Struct, frozen=True):
    """All that a path is made of and that a reload may change."""

    blueprint: Blueprint
    policy: Policy
    credentials: Credentials
    upstreams: dict[NodeId, Upstream]
    groups: dict[NodeId, Group]
    tolls: TollBook
    caches: Caches
    salt: Salt
    worker: int


class Path:
    """One composed path. A reload makes a new one; calls under way keep theirs."""

    __slots__ = (
        "_accept",
        "_approvals",
        "_authenticate",
        "_authorize",
        "_deliver",
        "_desk",
        "_guard",
        "_identity_desk",
        "_journeys",
        "_now",
        "_route",
        "_send",
        "_standings",
        "_write",
        "settings",
    )

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        entropy: Entropy,
        recorder: Recorder,
        journeys: Journeys,
        spending: Spending,
        on_news: OnNews,
        shared: Shared,
        identities: Identities,
        approvals: Approvals,
    ) -> None:
        blueprint = settings.blueprint
        models = {name: group for name, group in settings.groups.items() if not is_mcp(group)}
        self.settings = settings
        self._now = clock.monotonic
        self._journeys = journeys
        self._approvals = approvals
        self._accept = Accept(clock, entropy)
        self._authenticate = Authenticate(settings.credentials, blueprint, identities)
        self._authorize = Authorize(blueprint, settings.policy)
        self._standings = Standings(identities)
        self._guard = Guard(blueprint)
        self._route = Route(
            blueprint, models, tolls=settings.tolls, caches=settings.caches, clock=clock
        )
        self._write = self._writer(Write, recorder)
        self._deliver = partial(Delivery, write=self._write, now=self._now)
        means = partial(Means, clock=clock, entropy=entropy, spending=spending, on_news=on_news)
        self._send = Send(
            means(write=self._write, reroute=self._reroute, carry=carry, deliver=self._deliver)
        )
        self._identity_desk = IdentityDesk(
            authenticate=self._authenticate,
            identities=identities,
            write=self._write,
            journeys=journeys,
            clock=clock,
            entropy=entropy,
        )
        self._desk = Desk(
            blueprint,
            settings.policy,
            groups=settings.groups,
            tolls=settings.tolls,
            authenticate=self._authenticate,
            guard=self._guard,
            write=self._writer(McpWrite, recorder),
            clock=clock,
            entropy=entropy,
            journeys=journeys,
            spending=spending,
            on_news=on_news,
            shared=shared,
            approvals=approvals,
            is_stale=identities.is_stale,
        )

    def _writer(self, kind: type[W], recorder: Recorder) -> W:
        settings = self.settings
        return kind(
            recorder,
            journeys=self._journeys,
            salt=settings.salt,
            worker=settings.worker,
            tenant=settings.blueprint.tenant,
            blueprint=settings.blueprint.digest,
            bundle=settings.policy.digest,
        )

    def handle(self, request: Request, exchange: Exchange) -> None:
        """Begin a call; the exchange gets its answer when there is one (a ``wire.Handler``)."""
        began = self._now()
        accepted = self._accept(request)
        if accepted is None:
            if not (
                self._desk.handle(request, exchange)
                or self._identity_desk.handle(request, exchange)
            ):
                exchange.respond(404, ((b"content-type", b"application/json"),), NO_SUCH_PATH)
            return
        begun = accepted.state if isinstance(accepted, Refused) else accepted
        assert isinstance(begun, Accepted | Begun)
        journey = Journey(begun.call, began, accepted)
        self._journeys.begin(journey)
        self._answer(self._admit(accepted, journey, request), journey, exchange)

    def go_on(self, known: Known, journey: Journey, exchange: Exchange) -> None:
        """Send a call that somebody approved (an ``approving.GoOn``).

        It waited for minutes: its caller, its relationship, policy and all else are asked about
        once more, of what holds now.
        """
        again = self._authenticate.again(known)
        if isinstance(known.accepted.asked, McpAsked):
            self._desk.go_on(again, journey, exchange)
        else:
            ready = again if isinstance(again, Refused) else self._ask_again(again, journey)
            self._answer(ready, journey, exchange)

    def _answer(
        self, ready: Routed | Cached | Listed | Refused, journey: Journey, exchange: Exchange
    ) -> None:
        if isinstance(ready, Routed):
            fault = self._write.fault
            if fault is None:
                if ready.screened.approvals and journey.approval is None:
                    self._hold(ready, journey, exchange)
                else:
                    self._send(ready, journey=journey, exchange=exchange)
                return
            # The refusal's own record is tried, so that the log's recovery is noticed.
            ready = _audit_refusal(ready, fault)
        if isinstance(ready, Listed):
            self._list(ready, journey, exchange)
        elif isinstance(ready, Cached):
            self._repeat(ready, journey, exchange)
        else:
            self._refuse(ready, journey, exchange)

    def _admit(
        self, accepted: Accepted | Refused, journey: Journey, request: Request
    ) -> Routed | Cached | Listed | Refused:
        """The questions, in order; the first refusal ends them."""
        marks, now = journey.marks, self._now
        marks.append(now())
        if isinstance(accepted, Refused):
            return accepted
        allowed = self._standings.recall(accepted)
        if allowed is None:
            known = self._authenticate(accepted, request)
            marks.append(now())
            if isinstance(known, Refused):
                return known
            allowed = self._authorize(known)
            if not isinstance(allowed, Allowed):
                marks.append(now())
                return allowed
            self._standings.keep(allowed)
        else:
            marks.append(now())
        marks.append(now())
        screened = self._guard(allowed)
        marks.append(now())
        if isinstance(screened, Refused):
            return screened
        if allowed.decision.obligations:
            screened = oblige(screened)
            if isinstance(screened, Refused):
                return screened
        routed = self._route(screened)
        marks.append(now())
        journey.state = routed
        return routed

    def _ask_again(self, known: Known, journey: Journey) -> Routed | Cached | Listed | Refused:
        allowed = self._authorize(known)
        if not isinstance(allowed, Allowed):
            return allowed
        screened = self._screen(allowed)
        if isinstance(screened, Refused):
            return screened
        unheard = journey.unheard(screened.approvals)
        if unheard is not None:
            return Refused(RULES["approval.interrupted"], unheard, "ask again", screened)
        routed = self._route(screened)
        del journey.marks[ROUTED_MARKS - 1 :]
        journey.marks.append(self._now())
        journey.state = routed
        return routed

    def _screen(self, allowed: Allowed) -> Screened | Refused:
        screened = self._guard(allowed)
        if isinstance(screened, Refused) or not allowed.decision.obligations:
            return screened
        return oblige(screened)

    def _hold(self, routed: Routed, journey: Journey, exchange: Exchange) -> None:
        self._approvals.hold(
            Held(
                routed,
                approvals=self._approvals,
                delivery=self._deliver(routed, journey=journey, exchange=exchange),
                journey=journey,
                exchange=exchange,
            )
        )

    def _reroute(self, routed: Routed, name: NodeId) -> Routed | None:
        """May this call go to that node instead? Asked like any call; a refusal is a no."""
        known = routed.screened.allowed.known
        allowed = self._authorize.instead(known, name)
        if allowed is None:
            return None
        screened = self._screen(allowed)
        if isinstance(screened, Refused) or screened.approvals:
            # Whoever approved the call was asked about the node that it named.
            return None
        other = self._route(screened)
        return other if isinstance(other, Routed) else None

    def _repeat(self, cached: Cached, journey: Journey, exchange: Exchange) -> None:
        """Give the answer that was kept; the call has a record of its own."""
        kept = cached.kept
        journey.is_cached = True
        outcome = Outcome("answered", 200, None, kept.answer, kept.tokens_in, kept.tokens_out)
        headers = tuple(h for h in kept.headers if h[0] != REQUEST_ID)
        headers = (*headers, (REQUEST_ID, journey.call.encode("ascii")), (b"x-cache", b"hit"))

        def release(error: HoldfastError | None) -> None:
            if error is not None:
                withhold(exchange, journey.call, error)
            elif kept.stream:
                exchange.start(200, headers)
                exchange.end(kept.body)
            else:
                exchange.respond(200, headers, kept.body)

        self._write.answered(Answered(cached, outcome), journey, event="call", done=release)

    def _list(self, listed: Listed, journey: Journey, exchange: Exchange) -> None:
        accepted = listed.known.accepted
        names = [node.id for node in listed.callees]
        created = accepted.at // 1_000_000
        body = (
            models_body(names, created=created)
            if accepted.only is None
            else model_body(names[0], created=created)
        )
        answered = Answered(listed, Outcome("answered", 200))
        said = Said(200, reply_headers(journey.call), body)
        done = saying(exchange, said, call=journey.call)
        self._write.answered(answered, journey, event="call", done=done)

    def _refuse(self, refused: Refused, journey: Journey, exchange: Exchange) -> None:
        rule, call = refused.rule, journey.call
        body = error_reply(rule, refused.message, refused.fix, call=call, param=refused.param)
        said = Said(rule.status, reply_headers(call), body)
        self._write.refused(refused, journey, saying(exchange, said, call=call))


def _audit_refusal(state: Begun | State, fault: HoldfastError) -> Refused:
    rule = RULES["audit.unavailable"]
    return Refused(rule, rule.meaning, fault.fix, state)
