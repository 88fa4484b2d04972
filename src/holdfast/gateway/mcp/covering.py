"""Cover: do the caller's mandate and passports allow this very thing, as it is approved now?

Asked once the thing is vetted, since an authority may name a tool with the digest of its descriptor,
and once its arguments are as they will be sent. What a mandate limits is paid for here too: a
request of a tool, a prompt or a resource is one call.
"""

from holdfast.core import JsonObject
from holdfast.gateway.authority import Refusal, uncovered
from holdfast.gateway.call import Known
from holdfast.gateway.mandated import tolls_under
from holdfast.gateway.mcp.asked import Vetted
from holdfast.gateway.tolls import NO_TOKENS, Tolls
from holdfast.identity.authority import Ask


def covered_tolls(
    known: Known, vetted: Vetted, params: JsonObject, *, location: str, tolls: Tolls
) -> Tolls | Refusal:
    """What the call must pass, those who sent the caller included; or why it is not covered.

    ``params`` are as they go to the server; ``location`` is the server's principal.
    """
    caller = known.caller
    ask = _ask(known, vetted, params, location=location)
    beyond = uncovered(caller, ask)
    if beyond is not None:
        return beyond
    mandate = caller.mandate
    if mandate is None or not mandate.payers:
        return tolls
    return tolls_under(mandate, tolls, ask, tokens=NO_TOKENS)


def _ask(known: Known, vetted: Vetted, params: JsonObject, *, location: str) -> Ask:
    arguments = params.get("arguments")
    is_tool = vetted.kind == "tool"
    return Ask(
        type="mcp_tool",
        location=location,
        action=known.accepted.endpoint.action,
        now=known.accepted.at,
        tool=vetted.own if is_tool else None,
        descriptor=vetted.pin.descriptor.digest.removeprefix("sha256:") if is_tool else None,
        args=arguments if isinstance(arguments, dict) else {},
    )
