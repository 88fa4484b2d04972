"""Accept: is this a call at all, and is it well-formed? Gives it an id and an instant."""

from holdfast.core import RANDOM_BYTES, CallId, ulid
from holdfast.gateway.call import Accepted, Begun, Refused
from holdfast.gateway.context import read_context
from holdfast.gateway.rules import RULES
from holdfast.providers import ENDPOINTS, DialectError, Endpoint, read_request
from holdfast.wire import Request
from holdfast.world.ports import Clock, Entropy

MODELS = b"/v1/models"
LIST_MODELS = Endpoint("/v1/models", "list", "/models")
PATIENCE = b"x-request-timeout-ms"
PATIENCE_MS_MAX = 86_400_000


class Accept:
    """The first stage. A path that is not ours is no call: None, and no record."""

    __slots__ = ("_clock", "_entropy")

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy

    def __call__(self, request: Request) -> Accepted | Refused | None:
        target = request.target.partition(b"?")[0]
        endpoint = ENDPOINTS.get(target)
        only = None
        if endpoint is None:
            if target != MODELS and not target.startswith(MODELS + b"/"):
                return None
            endpoint, only = LIST_MODELS, target[len(MODELS) + 1 :].decode("ascii", "replace")
        at = self._clock.now()
        call = CallId(ulid(at, self._entropy.noise(RANDOM_BYTES)))
        headers = request.headers
        context = read_context(headers)
        begun = Begun(call, at, endpoint, request.body, context)
        wanted = b"GET" if endpoint is LIST_MODELS else b"POST"
        if request.method != wanted:
            return _refused("request.method", begun, f"use {wanted.decode()} for {endpoint.path}")
        if endpoint is LIST_MODELS:
            only = only or None
            return Accepted(call, at, endpoint, None, only, headers, b"", None, context)
        if not headers.get(b"content-type", b"").lower().startswith(b"application/json"):
            return _refused("request.type", begun, "send Content-Type: application/json")
        try:
            asked = read_request(request.body)
        except DialectError as error:
            return Refused(RULES["request.body"], error.what, error.fix, begun, error.where)
        patience = headers.get(PATIENCE)
        if patience is None:
            body = request.body
            return Accepted(call, at, endpoint, asked, None, headers, body, None, context)
        if len(patience) > 8 or not patience.isdigit() or not 0 < int(patience) <= PATIENCE_MS_MAX:
            fix = f"send {PATIENCE.decode()} as a number from 1 to {PATIENCE_MS_MAX}"
            return _refused("request.timeout-header", begun, fix)
        patience_s = int(patience) / 1000
        return Accepted(call, at, endpoint, asked, None, headers, request.body, patience_s, context)


def _refused(code: str, begun: Begun, fix: str) -> Refused:
    rule = RULES[code]
    return Refused(rule, rule.meaning, fix, begun)
