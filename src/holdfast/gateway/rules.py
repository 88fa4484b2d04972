"""Why a call may be refused or fail: one table from stable code to HTTP status.

Every code here stands in docs/reference/errors.md; a test holds the two together.
"""

import msgspec


class Rule(msgspec.Struct, frozen=True, gc=False):
    """A stable code, the status it is answered with, and what it means."""

    code: str
    status: int
    meaning: str


_ALL = (
    Rule("request.method", 405, "the path exists, but not for this method"),
    Rule("request.type", 415, "the body's Content-Type is not application/json"),
    Rule("request.body", 400, "the body is not what the API's reference says"),
    Rule("request.timeout-header", 400, "x-request-timeout-ms is no number of milliseconds"),
    Rule("identity.missing", 401, "no credential came with the call"),
    Rule("identity.unknown", 401, "the credential is not one that this system issued, or revoked"),
    Rule("identity.undeclared", 401, "the credential's node is no longer in the blueprint"),
    Rule("identity.ambiguous", 401, "the call shows two identities, two proofs or two mandates"),
    Rule("identity.bearer-token", 401, "a token that names a key came without the key's proof"),
    Rule("identity.revoked", 401, "the caller, or something by which it is known, is revoked"),
    Rule(
        "identity.revocations-unknown", 503, "it is not known what is revoked, so nobody's mandate"
    ),
    Rule("identity.key-refused", 401, "a key is of a kind, or too weak, to be believed"),
    Rule(
        "identity.token-malformed", 401, "a token is not what its specification says, to the letter"
    ),
    Rule("identity.token-type", 401, "a token of one kind was sent as another"),
    Rule("identity.token-signature", 401, "a token or request is not signed by whom it names"),
    Rule("identity.token-claims", 401, "a token says something that it may not"),
    Rule("identity.token-expired", 401, "a token, or what it stands on, has ended"),
    Rule("identity.token-early", 401, "a token is not good yet: compare the clocks"),
    Rule("identity.token-audience", 401, "a token was made for somebody else"),
    Rule("identity.token-issuer", 401, "a token's issuer or trust domain is not believed here"),
    Rule("identity.token-refused", 401, "a token is not believed"),
    Rule("identity.certificate-refused", 401, "the connection's certificate is no identity"),
    Rule("identity.proof-missing", 401, "nothing shows that the sender holds the key it names"),
    Rule("identity.proof-mismatch", 401, "the proof was made for another request"),
    Rule("identity.proof-stale", 401, "the proof is too old, or made for too long"),
    Rule("identity.proof-replayed", 401, "the proof was used before"),
    Rule("identity.proof-overload", 429, "more proofs came within a minute than are remembered"),
    Rule("identity.session-unknown", 401, "the session has ended"),
    Rule("identity.mandate-refused", 401, "the mandate is not believed"),
    Rule("identity.mandate-authority", 401, "the authority in the mandate cannot be read"),
    Rule("identity.mandate-wider", 401, "a link of the mandate allows more than its parent"),
    Rule("identity.mandate-outlives", 401, "a link of the mandate ends after its parent"),
    Rule("identity.mandate-depth", 401, "the mandate was delegated further than it may be"),
    Rule("identity.mandate-parent", 401, "a link of the mandate was made under another parent"),
    Rule("identity.mandate-revoked", 401, "the mandate came through somebody who is revoked"),
    Rule("identity.mandate-holder", 401, "the mandate was given to somebody else"),
    Rule("identity.mandate-build", 401, "the mandate was given to another build of the caller"),
    Rule("identity.mandate-empty", 403, "nothing of what is asked for may be given"),
    Rule("identity.exchange-target", 400, "a token cannot be made for whom it is asked"),
    Rule(
        "identity.mandate-empty", 403, "nothing of what was asked for is within what may be given"
    ),
    Rule(
        "identity.exchange-target", 403, "the mandate holds no authority at whom the token is for"
    ),
    Rule("identity.mandate-attestation", 401, "the caller's risk tier wants attestation"),
    Rule("demand.proof", 403, "the relationship does not accept this way of proving who calls"),
    Rule("demand.mandate", 403, "the relationship wants a mandate, and none came"),
    Rule("demand.attested", 403, "the relationship wants the caller's platform better attested"),
    Rule("authority.exceeded", 403, "the caller's mandate or passport does not cover the call"),
    Rule("authority.exhausted", 403, "less is left of a mandate's amounts than the call may cost"),
    Rule("authority.unpriced", 403, "a mandate limits money, and what the callee costs is unknown"),
    Rule(
        "authority.stale",
        503,
        "what is revoked may have changed: nothing may act until it is known",
    ),
    Rule("node.unknown", 404, "no node of the blueprint has the name the call asks for"),
    Rule("relationship.undeclared", 403, "the blueprint declares no such relationship"),
    Rule("policy.denied", 403, "a policy forbids the call, or none permits it"),
    Rule("obligation.redact", 400, "policy wants texts taken out, and the body cannot be walked"),
    Rule("approval.denied", 403, "policy wants a person's approval, and the person said no"),
    Rule("approval.timeout", 403, "policy wants a person's approval, and nobody decided in time"),
    Rule("approval.full", 503, "as many calls wait for approval as may"),
    Rule(
        "approval.interrupted",
        503,
        "the gateway stopped, or what was asked about changed, while the call waited for approval",
    ),
    Rule("limit.request-bytes", 413, "the request is larger than the relationship's limit"),
    Rule("limit.max-tokens", 400, "more output tokens are asked for than the limit allows"),
    Rule(
        "load.shed", 503, "too much is asked of the callee, and this call gave way to dearer ones"
    ),
    Rule("bulkhead.full", 429, "as many calls are in flight as the blueprint's bulkhead allows"),
    Rule("budget.exhausted", 429, "what the call may cost is more than is left of a budget"),
    Rule("budget.unavailable", 503, "nobody could say in time whether the budget allows the call"),
    Rule("queue.full", 503, "every upstream is busy, and so is the queue for them"),
    Rule(
        "queue.timeout", 503, "every upstream was busy for as long as a call may wait in the queue"
    ),
    Rule("upstream.open", 503, "every upstream is out of service; one is tried again shortly"),
    Rule("upstream.rate-limited", 429, "every upstream asked to be left alone for a while"),
    Rule("deadline.passed", 504, "the caller's own time limit for the call has passed"),
    Rule("upstream.missing", 502, "the callee has no upstream to send the call to"),
    Rule("upstream.unreachable", 502, "no connection to the upstream could be made"),
    Rule("upstream.saturated", 503, "every connection to the upstream is in use"),
    Rule("upstream.timeout", 504, "the upstream did not answer within its time"),
    Rule("upstream.reset", 502, "the upstream closed the connection before the answer's end"),
    Rule("upstream.protocol", 502, "the upstream's answer is not HTTP/1.1"),
    Rule("upstream.error", 502, "the upstream answered with an error; its own status is passed on"),
    Rule("limit.answer-bytes", 502, "the answer is larger than the relationship's limit"),
    Rule("request.origin", 403, "the request comes from a web page of a foreign host"),
    Rule("request.host", 403, "the request names the gateway by a name that is not its own"),
    Rule(
        "mcp.message", 400, "the message is not what MCP says it must be, or can be read two ways"
    ),
    Rule("mcp.header-mismatch", 400, "a header that must repeat what the body says does not"),
    Rule("mcp.version", 400, "the request speaks a revision of MCP that is not spoken here"),
    Rule("mcp.method", 404, "the revision of MCP that the request speaks has no such method"),
    Rule("mcp.params", 400, "the params of the request are not what its method takes"),
    Rule("mcp.session", 404, "the session is not one of this principal's"),
    Rule("mcp.state", 400, "the request's state was not given to this caller for this, or is old"),
    Rule("mcp.answer", 502, "the server's answer is not what MCP, or the tool's own schema, says"),
    Rule(
        "tool.unknown", 404, "its server offers no such thing, or none that the caller may know of"
    ),
    Rule(
        "tool.undeclared", 403, "the blueprint does not let this tool be used over the relationship"
    ),
    Rule("tool.unapproved", 403, "nobody has approved it as it is now"),
    Rule("tool.changed", 403, "its description changed since it was approved"),
    Rule("tool.unseen", 503, "its server could not be looked at since the gateway's start"),
    Rule("tool.arguments", 400, "the arguments do not fit the schema that was approved"),
    Rule("tool.egress", 403, "an argument names an address that the tool may not be led to"),
    Rule("call.cancelled", 499, "the caller went away before the answer's end"),
    Rule("audit.unavailable", 503, "the log cannot take the call's record, so the call may not be"),
)

RULES: dict[str, Rule] = {rule.code: rule for rule in _ALL}
"""By code. Status 499 is nginx's for a client that left; nobody is there to receive it."""
