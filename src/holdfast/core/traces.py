"""W3C Trace Context (levels 1 and 2): whose trace a call is part of, and which spans of it are ours.

A call has two spans: ours as a server, and below it ours as the client of whoever is asked. Their
ids are made of the call's own id, so that a record says all of them and nothing is kept beside it.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from holdfast.core.ids import CallId, ulid_number

TRACEPARENT_CHARACTERS: Final = 55
TRACESTATE_CHARACTERS_MAX: Final = 8_192
_FLAGS: Final = 0x03
"""Sampled (level 1) and random trace id (level 2). Others must not be passed on."""
_BODY = rb"(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
# Section 3.2.2: version 00 ends after its flags; of a later one its beginning is read.
_SENT = re.compile(rb"(?:00-%b|(?!00|ff)[0-9a-f]{2}-%b(?=$|-))" % (_BODY, _BODY))
_LOW, _SPAN_BYTES = (1 << 64) - 1, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTrace:
    """A call's ids, in lower-case hexadecimal. ``parent`` is the caller's span, None where it sent
    none; ``client`` is what an upstream was told as its parent, the same for all attempts."""

    trace: str
    parent: str | None
    server: str
    client: str
    is_sampled: bool


def read_traceparent(sent: bytes) -> str | None:
    """What is valid of a ``traceparent``; None where it counts as if none had been sent."""
    found = _SENT.match(sent)
    if found is None or (sent.startswith(b"00") and len(sent) != TRACEPARENT_CHARACTERS):
        return None
    return found[0].decode("ascii")


def may_go_on(tracestate: str) -> bool:
    """Whether a ``tracestate`` is text that a header field can carry."""
    is_text = tracestate.isascii() and tracestate.replace("\t", " ").isprintable()
    return is_text and len(tracestate) <= TRACESTATE_CHARACTERS_MAX


def sent_on(call: CallId, traceparent: str | None) -> bytes:
    """The ``traceparent`` that whoever is asked gets: of our client span."""
    number = ulid_number(call)
    client = (number & _LOW ^ 1) or 3
    if traceparent is None:
        return b"00-%032x-%016x-01" % (number, client)
    flags = int(traceparent[53:55], 16) & _FLAGS
    return b"00-%b-%016x-%02x" % (traceparent[3:35].encode("ascii"), client, flags)


def trace_of(call: str, traceparent: str | None) -> CallTrace:
    """The ids of a recorded call; ``traceparent`` as its record has it. No text is a fault."""
    if traceparent is not None:
        traceparent = read_traceparent(traceparent.encode("utf-8", "replace"))
    number = _number(call)
    server, client = (number & _LOW) or 2, (number & _LOW ^ 1) or 3
    return CallTrace(
        trace=f"{number:032x}" if traceparent is None else traceparent[3:35],
        parent=None if traceparent is None else traceparent[36:52],
        server=f"{server:016x}",
        client=f"{client:016x}",
        is_sampled=traceparent is None or bool(int(traceparent[53:55], 16) & 1),
    )


def _number(call: str) -> int:
    """Of what is no ULID its digest's: who reads records must not stumble over one."""
    try:
        return ulid_number(call) or 1
    except ValueError:
        return int.from_bytes(sha256(call.encode("utf-8")).digest()[:16], "big") or 1
