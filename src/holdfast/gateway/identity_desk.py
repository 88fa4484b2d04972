"""What callers ask the gateway itself about their identity: a session, a token for one callee.

``POST /identity/session`` opens a session: the body is ``{"epk": <JWK>}``, the answer a ``Grant``.
``POST /identity/token`` exchanges a mandate (RFC 8693): the answer is a flat token for one audience,
bound to the caller's key, so that nobody else ever sees the chain. Both are calls with a record.
"""

from functools import reduce
from urllib.parse import parse_qsl

import msgspec

from holdfast.core import RANDOM_BYTES, CallId, HoldfastError, ulid
from holdfast.gateway.call import Accepted, Answered, Known, Outcome, Refused
from holdfast.gateway.context import read_context
from holdfast.gateway.identities import Identities
from holdfast.gateway.journeys import Journey, Journeys
from holdfast.gateway.replies import Said, error_reply, reply_headers, saying
from holdfast.gateway.rules import RULES
from holdfast.gateway.stages.authenticate import Authenticate
from holdfast.gateway.stages.write import Write
from holdfast.identity import PublicKey, TokenError, issuer_name
from holdfast.identity.authority import Authority, meet_all
from holdfast.identity.callers import Caller
from holdfast.identity.mandates import TOKEN_EXCHANGE, MandateIssuer, Wanted, exchange
from holdfast.identity.proofs import MANDATE_FIELD, Bound
from holdfast.providers import Endpoint
from holdfast.wire import Exchange, Request
from holdfast.world.ports import Clock, Entropy

SESSION = Endpoint("/identity/session", "prove", "")
TOKEN = Endpoint("/identity/token", "delegate", "")
_PATHS = {b"/identity/session": SESSION, b"/identity/token": TOKEN}
BODY_BYTES_MAX = 65_536
_FIELDS_MAX = 20
_KEPT = (b"cache-control", b"no-store")


class _Opening(msgspec.Struct, forbid_unknown_fields=True):
    epk: dict[str, object]


class _Said(msgspec.Struct):
    """What the answer of an exchange is (RFC 8693 section 2.2.1)."""

    access_token: str
    issued_token_type: str
    token_type: str
    expires_in: int


class IdentityDesk:
    """Answers both. Whoever asks has proven itself by its own key, not by a session's."""

    def __init__(
        self,
        *,
        authenticate: Authenticate,
        identities: Identities,
        write: Write,
        journeys: Journeys,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._authenticate = authenticate
        self._identities = identities
        self._write = write
        self._journeys = journeys
        self._clock = clock
        self._entropy = entropy

    def handle(self, request: Request, answer_to: Exchange) -> bool:
        """Whether the request was for here; then it is being answered."""
        endpoint = _PATHS.get(request.target.partition(b"?")[0])
        if endpoint is None:
            return False
        at = self._clock.now()
        call = CallId(ulid(at, self._entropy.noise(RANDOM_BYTES)))
        headers = request.headers
        accepted = Accepted(
            call, at, endpoint, None, None, headers, request.body, None, read_context(headers)
        )
        journey = Journey(call, self._clock.monotonic(), accepted)
        self._journeys.begin(journey)
        known = self._known(accepted, request)
        if isinstance(known, Refused):
            self._refuse(known, journey, answer_to)
            return True
        try:
            body = self._token(known) if endpoint is TOKEN else self._session(known)
        except TokenError as error:
            rule = RULES.get(error.code, RULES["identity.token-refused"])
            refused = Refused(rule, error.what, error.fix, known)
            self._refuse(refused, journey, answer_to)
        except _UnreadableError as error:
            refused = Refused(RULES["request.body"], error.what, error.fix, known)
            self._refuse(refused, journey, answer_to)
        else:
            self._answer(known, body, journey, answer_to)
        return True

    def _known(self, accepted: Accepted, request: Request) -> Known | Refused:
        if request.method != b"POST":
            rule = RULES["request.method"]
            return Refused(rule, rule.meaning, f"use POST for {accepted.endpoint.path}", accepted)
        if len(request.body) > BODY_BYTES_MAX:
            rule = RULES["limit.request-bytes"]
            return Refused(rule, rule.meaning, f"send at most {BODY_BYTES_MAX} bytes", accepted)
        known = self._authenticate(accepted, request)
        if isinstance(known, Known) and known.caller.proof in {"key", "session"}:
            rule = RULES["identity.proof-missing"]
            fix = "prove your own key: by mutual TLS, a WPT, a signature or a DPoP proof"
            return Refused(rule, rule.meaning, fix, known)
        return known

    def _session(self, known: Known) -> bytes:
        caller = known.caller
        try:
            asked = msgspec.json.decode(known.accepted.body, type=_Opening)
        except msgspec.DecodeError as error:
            raise _UnreadableError(
                f"the body is not what opens a session: {error}",
                fix='send {"epk": <a fresh P-256 key as JWK>}',
            ) from error
        grant = self._identities.sessions.open(
            Bound(
                principal=caller.principal,
                thumbprint=caller.thumbprint or "",
                mandate=b"" if caller.mandate is None else caller.mandate.digest,
            ),
            PublicKey.from_jwk(asked.epk),
            now=known.accepted.at,
            until=caller.expires,
            entropy=self._entropy,
        )
        return msgspec.json.encode(grant)

    def _token(self, known: Known) -> bytes:
        caller, issuer = known.caller, self._identities.issuer
        fields = _fields(known.accepted.body)
        mandate, wit = caller.mandate, caller.wit
        if fields.get("grant_type") != TOKEN_EXCHANGE or not fields.get("audience"):
            raise _UnreadableError(
                "the form asks for no exchange, or for nobody",
                fix=f"send grant_type={TOKEN_EXCHANGE} and audience=<URI of the callee>",
            )
        sent = known.accepted.headers.get(MANDATE_FIELD)
        if mandate is None or wit is None or sent is None or issuer is None:
            raise _UnreadableError(
                "there is no mandate to exchange",
                fix="send the chain in Holdfast-Mandate and the Workload-Identity-Token",
            )
        if fields.get("subject_token", sent.decode("ascii")) != sent.decode("ascii"):
            raise _UnreadableError(
                "subject_token is another mandate than the one that was proven",
                fix="send the same chain in both places, or in the header alone",
            )
        made = exchange(
            mandate,
            wit,
            wanted=Wanted(
                audience=fields["audience"],
                scope=fields.get("scope"),
                authority=_ceiling(caller),
            ),
            issuer=MandateIssuer(
                iss=issuer_name(issuer.trust_domain), key=issuer.token_key(known.accepted.at)
            ),
            now=known.accepted.at,
            entropy=self._entropy,
        )
        return msgspec.json.encode(
            _Said(made.token.decode(), made.issued_token_type, made.token_type, made.expires_s)
        )

    # -- the record, then the answer ----------------------------------------------------------

    def _answer(self, known: Known, body: bytes, journey: Journey, answer_to: Exchange) -> None:
        answered = Answered(known, Outcome("answered", 200))
        said = Said(200, (*reply_headers(journey.call), _KEPT), body)
        done = saying(answer_to, said, call=journey.call)
        self._write.answered(answered, journey, event="call", done=done)

    def _refuse(self, refused: Refused, journey: Journey, answer_to: Exchange) -> None:
        rule, call = refused.rule, journey.call
        body = error_reply(rule, refused.message, refused.fix, call=call)
        said = Said(rule.status, (*reply_headers(call), _KEPT), body)
        self._write.refused(refused, journey, saying(answer_to, said, call=call))


class _UnreadableError(HoldfastError):
    """The body is not what is read here."""

    code = "request.body"


def _fields(body: bytes) -> dict[str, str]:
    """The form's fields, each once: two readers must not see two values."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), strict_parsing=True, max_num_fields=_FIELDS_MAX, errors="strict"
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise _UnreadableError(
            "the body is no form", fix="send application/x-www-form-urlencoded (RFC 8693)"
        ) from error
    if len({name for name, _ in pairs}) < len(pairs):
        raise _UnreadableError("a field of the form stands twice", fix="send each once")
    return dict(pairs)


def _ceiling(caller: Caller) -> tuple[Authority, ...] | None:
    """What all passports in the chain allow; None where there is none."""
    if not caller.ceilings:
        return None
    return reduce(meet_all, caller.ceilings)
