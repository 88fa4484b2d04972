"""What policy asks for beside its yes, and the carrying out of what can be done at once.

Text is taken out and answers are capped before anything is routed: what is sent, paid and kept is
what is left. An approval takes time, and has a place of its own (``approving``).
"""

import hashlib
from typing import Final, cast

import msgspec

from holdfast.core import CallId, JsonError, JsonObject, read_json
from holdfast.gateway.call import Refused, Screened
from holdfast.gateway.rules import RULES
from holdfast.guards import RedactionKind, redact_json
from holdfast.policy import Obligation

REDACTED_DEPTH_MAX: Final = 64
"""How deep a body may be nested whose texts must be looked at."""
SAMPLED: Final = "sampled"
"""Stands among a record's obligations where the call is one of those kept for review."""
_MILLION: Final = 1_000_000
_LIMITS: Final = ("max_tokens", "max_completion_tokens")
_UNTOUCHED: Final = frozenset(("model",))


def redactions(owed: tuple[Obligation, ...]) -> frozenset[RedactionKind]:
    """What must be taken out of the text."""
    return frozenset(cast("RedactionKind", o.value) for o in owed if o.kind == "redact")


def approvals(owed: tuple[Obligation, ...]) -> tuple[str, ...]:
    """The groups each of which must say yes."""
    return tuple(o.value for o in owed if o.kind == "require_approval")


def cap(owed: tuple[Obligation, ...]) -> int | None:
    """The most tokens the answer may have."""
    return next((o.amount for o in owed if o.kind == "cap_tokens"), None)


def is_sampled(call: CallId, owed: tuple[Obligation, ...]) -> bool:
    """Whether the call is one of those kept for review: the same answer for the same id, always."""
    rate = next((o.amount for o in owed if o.kind == "sample"), 0)
    if not rate:
        return False
    drawn = int.from_bytes(hashlib.sha256(call.encode("ascii")).digest()[:8], "big")
    return drawn * _MILLION < rate << 64


def recorded(
    call: CallId, owed: tuple[Obligation, ...], also: tuple[Obligation, ...]
) -> tuple[str, ...]:
    """As the record lists them; ``also`` are those of a node that the call fell back to."""
    listed = dict.fromkeys(map(str, (*owed, *also)))
    if is_sampled(call, owed):
        listed[SAMPLED] = None
    return tuple(listed)


def oblige(screened: Screened) -> Screened | Refused:
    """The request as it may be sent; a refusal where it cannot be made so.

    A body is read strictly before texts are taken out of it: one that two parsers could read
    differently could hide from us what the upstream sees.
    """
    allowed = screened.allowed
    accepted, owed = allowed.known.accepted, allowed.decision.obligations
    kinds, most = redactions(owed), cap(owed)
    if most is not None and not accepted.endpoint.generates:
        most = None
    body = accepted.body
    asked = accepted.asked
    lowers = most is not None and asked is not None and asked.max_tokens is not None
    try:
        if kinds:
            body = _redacted(body, kinds)
        if lowers:
            body = _lowered(body, most or 0)
    except (JsonError, RecursionError, msgspec.MsgspecError) as error:
        return unwalkable(screened, str(error))
    return msgspec.structs.replace(
        screened,
        rewritten=None if body is accepted.body else body,
        cap=most,
        approvals=approvals(owed),
    )


def oblige_call(screened: Screened) -> Screened:
    """Whose words are not in a body of ours: what is taken out of them, ``redacted_params`` does."""
    owed = screened.allowed.decision.obligations
    return msgspec.structs.replace(screened, approvals=approvals(owed))


def redacted_params(
    params: JsonObject, screened: Screened, *, names: frozenset[str]
) -> JsonObject | Refused:
    """The params of a tool's call as they may be sent. Nothing can be taken out of ``names``:
    where there is something in one, the call cannot go."""
    kinds = redactions(screened.allowed.decision.obligations)
    if not kinds:
        return params
    named = {name: each for name, each in params.items() if name in names}
    words = {name: each for name, each in params.items() if name not in names}
    try:
        if redact_json(named, kinds)[1]:
            return unwalkable(screened, "it stands in a name")
        return {**named, **cast("JsonObject", redact_json(words, kinds)[0])}
    except RecursionError as error:
        return unwalkable(screened, str(error))


def unwalkable(screened: Screened, why: str) -> Refused:
    """What must be taken out of the request cannot be looked for."""
    rule = RULES["obligation.redact"]
    what = f"policy wants texts taken out of the request, and it cannot be read: {why[:200]}"
    return Refused(rule, what, "send strict JSON: no member twice, not nested deeply", screened)


def _redacted(body: bytes, kinds: frozenset[RedactionKind]) -> bytes:
    """Every text of every member but the model's name: what is not looked at must not pass."""
    fields = read_json(body, depth_max=REDACTED_DEPTH_MAX)
    if not isinstance(fields, dict):
        raise JsonError("it is no object")
    params = {name: each for name, each in fields.items() if name not in _UNTOUCHED}
    found = cast("JsonObject", redact_json(params, kinds)[0])
    return msgspec.json.encode({**fields, **found})


def _lowered(body: bytes, most: int) -> bytes:
    """No limit above ``most``; one that is lower stays."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    for name in _LIMITS:
        if name in fields and (msgspec.json.decode(fields[name], type=int | None) or 0) > most:
            fields[name] = msgspec.Raw(b"%d" % most)
    return msgspec.json.encode(fields)
