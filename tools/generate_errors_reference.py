"""Writes docs/reference/errors.md from the rules, the wire's refusals and the error classes.

python tools/generate_errors_reference.py          write it
python tools/generate_errors_reference.py --check  say whether it is up to date
"""

import importlib
import inspect
import pkgutil

import advice_on_identity
from reference_pages import REFERENCE, note, settle, table

import holdfast
from holdfast.core import HoldfastError
from holdfast.gateway import RULES

INTRODUCTION = """\
# Codes

{note}

A code is stable: it means the same in every version that has it. Messages may be worded better at
any time. Which codes there are is read from the code, and a test compares this page with it.

## A call is refused or fails

The caller reads OpenAI's error shape: `error.code` is the code below, `error.message` says what and
how to mend it, `error.call` (and the header `x-request-id`) is the call's id, which finds its
record. The record carries the code in its field `rule`. In a stream that has begun the same object
arrives as the last event.

"""

# What would make a refused call pass. A rule without advice stops this tool.
ADVICE = advice_on_identity.ADVICE | {
    "request.origin": "Call from no web page, or from one of a host that the gateway is known by.",
    "request.host": "Call the gateway by its address, or by a name it is known by.",
    "mcp.message": "Send one JSON-RPC message: UTF-8, no member twice, none that differs from a known one in case only.",
    "mcp.header-mismatch": "Repeat in `Mcp-Method`, `Mcp-Name`, `Mcp-Param-*` and `MCP-Protocol-Version` what the body says.",
    "mcp.version": "Speak one of the revisions in `error.data.supported`.",
    "mcp.method": "Ask for what `server/discover` or `initialize` announced.",
    "mcp.params": "Send the params as the specification of the method has them; `error.message` says where.",
    "mcp.session": "Send `initialize` again; or no session, for none is needed.",
    "mcp.state": "Begin the call anew, without `requestState`.",
    "mcp.answer": "Tell whoever runs the server; `error.message` says what is wrong with its answer.",
    "tool.unknown": "Ask for what `tools/list`, `resources/list` or `prompts/list` shows.",
    "tool.undeclared": "Allow the tool in the `tools` control of the server's node or of the relationship.",
    "tool.unapproved": "Read it with `holdfast tools show`, then `holdfast tools approve`.",
    "tool.changed": "Read the change with `holdfast tools diff`, then approve or reject it.",
    "tool.unseen": "Try again shortly; see that the server runs.",
    "tool.arguments": "Send the arguments that the tool's `inputSchema` describes.",
    "request.method": "Use the method the message names.",
    "request.type": "Send `Content-Type: application/json`.",
    "request.body": "Send one JSON object as OpenAI's API reference has it; `error.param` says where.",
    "identity.missing": "Send one header `Authorization: Bearer KEY`. Two count as none.",
    "identity.unknown": "Make a key with `holdfast key create NODE`; perhaps this one was revoked.",
    "identity.undeclared": "Declare the node again, or make a key for one that is declared.",
    "node.unknown": "Ask for a name that `GET /v1/models` lists.",
    "relationship.undeclared": "Declare `connects: [caller, callee]` in the blueprint.",
    "policy.denied": "The message names the policies; their owner decides.",
    "obligation.redact": "Send strict JSON, no member twice and not nested deeply; and nothing in a name that policy wants taken out.",
    "approval.denied": "Ask whoever said no: the record's `approver`.",
    "approval.timeout": "Tell the group that the message names, then ask again; `holdfast approvals list` shows them what waits.",
    "approval.full": "Come again when others were decided.",
    "approval.interrupted": "Ask again.",
    "limit.request-bytes": "Send less, or raise `limits.request_bytes` of the relationship.",
    "limit.max-tokens": "Ask for fewer tokens, or raise `limits.max_tokens` of the relationship.",
    "request.timeout-header": "Send `x-request-timeout-ms` as whole milliseconds, at most a day.",
    "load.shed": "Come again later; or raise `criticality` of the relationship.",
    "bulkhead.full": "Come again when calls have ended, or raise the `bulkhead` the message names.",
    "budget.exhausted": "`Retry-After` says when the period ends; or raise the `budget` named.",
    "budget.unavailable": "Come again in a second; `/readyz` says whether the keeper is well.",
    "authority.exhausted": "The message names whose mandate it is; get a new one, or ask for less `max_tokens`.",
    "authority.unpriced": "Write a `price` for every upstream of the callee, 0 where tokens cost nothing; or limit calls.",
    "queue.full": "Come again later; more upstreams, or a longer `concurrency.queue`, would take it.",
    "queue.timeout": "Come again later; more upstreams, or a longer `concurrency.queue_s`, would take it.",
    "upstream.open": "`Retry-After` says when an upstream is tried again; look at its own log.",
    "upstream.rate-limited": "`Retry-After` says when; or give the node more upstreams.",
    "deadline.passed": "Allow the call more time in `x-request-timeout-ms`.",
    "upstream.missing": "Give the callee an `upstream` control.",
    "upstream.unreachable": "Start the upstream, or correct its `url`.",
    "upstream.saturated": "Try again, or raise `limits.connections` of the callee.",
    "upstream.timeout": "The message names the limit it exceeded; raise that, or look at the upstream.",
    "upstream.reset": "Look at the upstream's own log. The call may have had effect there.",
    "upstream.protocol": "The upstream is not an HTTP/1.1 server; correct its `url`.",
    "upstream.error": "The upstream's own answer is passed on: it says why.",
    "limit.answer-bytes": "Ask for less, or raise `limits.answer_bytes` of the relationship.",
    "call.cancelled": "Nothing: the caller left. The upstream was told to stop.",
    "audit.unavailable": "Free the disk that the data directory is on; `/readyz` says what is wrong.",
}

UNTOLD = """\
A path that is not served is no call: no identity is asked for, and no record is made.

| code | status | meaning |
|---|---|---|
| `request.path` | 404 | there is no such path |

## A request is not HTTP as we read it

Refused before it is a call: no record is made, and the connection is closed. Where two programs
could read one request differently, it is refused ([why](../decisions/0006-strict-wire.md)).

"""

WIRE = {
    "http.line-end": ("400", "A line of the head does not end in CR LF, or the head holds a NUL."),
    "http.folding": ("400", "A header field continues on the next line (obsolete folding)."),
    "http.malformed": ("400", "Not HTTP/1.1, a NUL or bare CR in the head, or bad chunks."),
    "http.host": ("400", "There is not exactly one `Host`, or it is no host."),
    "http.framing": (
        "400 or 501",
        "`Content-Length` or `Transfer-Encoding` is repeated, contradictory or not understood.",
    ),
    "http.timeout": ("408", "Head or body did not arrive in time."),
    "http.body": ("413", "The body is larger than any relationship allows."),
    "http.head": ("431", "The head is too large or has too many fields."),
    "http.upgrade": ("501", "Upgrades and CONNECT are not served."),
    "http.connections": ("503", "As many connections as a worker takes are open."),
}

OTHERS = """\
## A command or the console cannot do what was asked

Commands print the code with `--json`; the control API answers `{"error": {"code", "message",
"fix"}}`. The code of a family stands for whatever has no closer one.

"""

# Codes that a place gives instead of its class's own.
INSTEAD = {
    "attestation.memory-interposer": (
        "identity",
        "A dated rule: hardware that a memory interposer was shown to break.",
    ),
    "attestation.milan-root-seed": (
        "identity",
        "A dated rule: AMD Milan, whose root seed was shown to leak.",
    ),
    "audit.no-alarm": ("app", "The call named is not one that was begun and has no outcome."),
    "data.no-salt": ("app", "The tenant has no salt: it was erased, or never made."),
    "history.missing": ("app", "The data directory has no history of calls yet."),
    "audit.pending": ("app", "The call's records are durable, but not under a checkpoint yet."),
    "audit.receipt-unwitnessed": ("app", "A COSE receipt carries no cosignatures of witnesses."),
}


def families() -> dict[str, type[HoldfastError]]:
    """Every error class of Holdfast, by its code."""
    for module in pkgutil.walk_packages(holdfast.__path__, "holdfast."):
        if not module.name.endswith((".worker", "__main__", ".simulate")):
            importlib.import_module(module.name)
    found: dict[str, type[HoldfastError]] = {HoldfastError.code: HoldfastError}
    waiting = [HoldfastError]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            if "code" in vars(kind):
                found.setdefault(kind.code, kind)
    return found


def row(code: str, kind: type[HoldfastError]) -> tuple[str, str, str]:
    """A code, who gives it, and what it means: the first paragraph of the docstring."""
    owner = kind.__module__.split(".")[1]
    first = (inspect.getdoc(kind) or "").split("\n\n")[0]
    about = " ".join(first.replace("``", "`").split())
    return f"`{code}`", owner, about


def reference() -> str:
    """The page."""
    rules = [
        (f"`{rule.code}`", str(rule.status), rule.meaning, ADVICE[rule.code])
        for rule in RULES.values()
    ]
    wire = [(f"`{code}`", status, meaning) for code, (status, meaning) in WIRE.items()]
    others = [row(code, kind) for code, kind in families().items()]
    others += [(f"`{code}`", owner, meaning) for code, (owner, meaning) in INSTEAD.items()]
    return (
        INTRODUCTION.replace("{note}", note("generate_errors_reference.py"))
        + table(("code", "status", "meaning", "what would make it pass"), rules)
        + "\n"
        + UNTOLD
        + table(("code", "status", "meaning"), wire)
        + "\n"
        + OTHERS
        + table(("code", "module", "meaning"), sorted(others, key=lambda each: each[1:2] + each))
    )


if __name__ == "__main__":
    raise SystemExit(settle(REFERENCE / "errors.md", reference()))
