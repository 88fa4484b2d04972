"""Writes docs/reference/record.md from the record's own fields.

python tools/generate_record_reference.py          write it
python tools/generate_record_reference.py --check  say whether it is up to date
"""

import typing

import msgspec
from reference_pages import REFERENCE, note, settle, table

from holdfast.audit import CallRecord, RecordedDecision, RecordedEvent, RecordedOutcome

INTRODUCTION = """\
# The record

{note}

One record says what was decided about a call and what came of it. A plain call has one record, of
the event `call`. One that may change something has two: `intent`, durable before it is sent, and its
outcome; an intent without an outcome is an alarm. A stream has two: `opened`, durable before its first byte leaves, and `closed`,
durable before its last event. A stream without a `closed` record was cut off by a crash. A call that
was refused has one record too.

A record never holds what anybody said. `prompt` and `answer` are HMAC-SHA-256 under a salt of the
instance (`keys/digest-salt-TENANT`): who has the text and the salt can show that the text is the one; who
has only the log learns nothing. Destroy the salt and they are mute, while every proof still holds.

The bytes are canonical JSON (RFC 8785): fields in the order below, no spaces, no floats; a field
that has its default is left out. These bytes
are the leaf that the log's tree hashes. Unknown fields are refused; a field is added only with a new
version.

"""

MEANING = {
    "action": "`generate`, `complete`, `embed` or `list`.",
    "attempts": "How often an upstream was asked: tries, retries, hedges, fallbacks.",
    "approver": "Who decided about a call that policy held for approval: `rule` tells a no.",
    "arguments": "Salted digest of a tool call's arguments, as canonical JSON.",
    "attested": "What the caller's platform evidence was judged to be (EAR status).",
    "chain": "The principals from whom the caller holds its authority, root first.",
    "descriptor": "The digest under which the called tool is approved.",
    "obligations": "What policy asked for besides allowing the call; `sampled` beside them where it is one of the share to review.",
    "proof": "How the caller proved to hold its credential: `key`, `mtls`, `wpt`, `signature`, `dpop`, `session`.",
    "tool": "The tool, resource or prompt of an MCP server that was called.",
    "txn": "The id of the root mandate.",
    "would_refuse": "Ids of policies on trial that would have refused the call.",
    "cached": "The answer was kept from an earlier call with the same request.",
    "fallback": "The relationship over which another node was asked, when one was.",
    "node": "The node whose upstream answered, or was asked last.",
    "seams": "Bytes of a streamed answer at which another upstream went on.",
    "answer": "Salted digest of the answer's body; of a stream's events, without `[DONE]`.",
    "at": "When the call was accepted: microseconds since 1970-01-01T00:00:00Z.",
    "blueprint": "Digest of the blueprint in force.",
    "bundle": "Digest of the policies in force.",
    "call": "The call's id, a ULID; the answer's `x-request-id`.",
    "credential": "The id of the key the caller showed (never the key).",
    "decision": "What the gateway decided.",
    "duration_us": "Microseconds from the request's arrival to this record.",
    "event": "Which moment the record is of.",
    "outcome": "What came of the call; `open` for a stream that has begun.",
    "policies": "Ids of the policies that determined the decision.",
    "principal": "Who called, as a SPIFFE ID.",
    "prompt": "Salted digest of the request's body.",
    "relationship": "The declared relationship the call took.",
    "resource": "The node that was asked for, at most 128 characters of it.",
    "rule": "The [code](errors.md) of what refused or failed.",
    "stages_us": "Microseconds from the start to the end of each stage that ran; the last is this record.",
    "status": "The HTTP status of the answer.",
    "tenant": "The blueprint's tenant.",
    "tokens_in": "Prompt tokens as the upstream counted them.",
    "tokens_out": "Completion tokens as the upstream counted them.",
    "upstream": "The URL the call was sent to.",
    "v": "The record's version.",
    "worker": "The worker process that carried the call.",
}


def kind_of(hint: object) -> str:
    """A field's values in a few words."""
    if hint is None or hint is type(None):
        return "null"
    if typing.get_origin(hint) is tuple:
        return f"list of {kind_of(typing.get_args(hint)[0])}"
    if typing.get_origin(hint) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(hint))
    if parts := typing.get_args(hint):
        return " or ".join(kind_of(part) for part in parts)
    return {"str": "text", "int": "whole number", "bool": "true or false"}[
        getattr(hint, "__name__", "")
    ]


def reference() -> str:
    """The page. A field without a meaning stops this tool."""
    hints = typing.get_type_hints(CallRecord)
    named = [field.name for field in msgspec.structs.fields(CallRecord)]
    rows = [(f"`{name}`", kind_of(hints[name]), MEANING.pop(name)) for name in named]
    if MEANING:
        raise SystemExit(f"these fields are gone: {sorted(MEANING)}")
    assert all(map(typing.get_args, (RecordedDecision, RecordedEvent, RecordedOutcome)))
    return INTRODUCTION.replace("{note}", note("generate_record_reference.py")) + table(
        ("field", "value", "meaning"), rows
    )


if __name__ == "__main__":
    raise SystemExit(settle(REFERENCE / "record.md", reference()))
