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
    Rule("node.unknown", 404, "no node of the blueprint has the name the call asks for"),
    Rule("relationship.undeclared", 403, "the blueprint declares no such relationship"),
    Rule("policy.denied", 403, "a policy forbids the call, or none permits it"),
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
    Rule("call.cancelled", 499, "the caller went away before the answer's end"),
    Rule("audit.unavailable", 503, "the log cannot take the call's record, so the call may not be"),
)

RULES: dict[str, Rule] = {rule.code: rule for rule in _ALL}
"""By code. Status 499 is nginx's for a client that left; nobody is there to receive it."""
