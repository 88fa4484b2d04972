"""What must hold after every run, each rule an object of its own."""

from collections.abc import Callable

from holdfast.audit import CallRecord, decode_record, verify_log
from holdfast.core import HoldfastError
from holdfast.testing.caller import Heard
from holdfast.testing.system import SimSystem
from holdfast.testing.upstream import DONE, ScriptedUpstream, events, plain_body

_DECLARED = {("desk", "reviewer"), ("till", "counter")}


class CheckError(HoldfastError):
    """A rule was broken."""

    code = "testing.rule-broken"


class Evidence:
    """All that a run left behind."""

    def __init__(
        self, system: SimSystem, upstream: ScriptedUpstream, heard: list[Heard], cut: int
    ) -> None:
        self.system = system
        self.upstream = upstream
        self.heard = heard
        self.cut = cut
        self.records: dict[str, list[CallRecord]] = {}
        for index in range(system.log.size):
            record = decode_record(system.log.reader.entry(index).data)
            self.records.setdefault(record.call, []).append(record)


def answers_have_records(evidence: Evidence) -> None:
    """Whatever a caller heard, a durable record of the call exists; its end, if it heard the end."""
    for heard in evidence.heard:
        if heard.call is None or heard.status == 503:
            # 503 is how a call is refused, or its answer withheld, when no record can be written.
            continue
        records = evidence.records.get(heard.call, [])
        if not records:
            raise CheckError(f"call {heard.script.number} was answered and has no record")
        if heard.whole and not any(r.event in ("call", "closed") for r in records):
            raise CheckError(f"call {heard.script.number} ended and its end has no record")
        # A stream's status is sent before its end is known.
        if not heard.whole or records[-1].event == "closed":
            continue
        if records[-1].status != heard.status:
            raise CheckError(
                f"call {heard.script.number} heard {heard.status}, its record says {records[-1].status}"
            )


def undeclared_calls_stay_out(evidence: Evidence) -> None:
    """No call over an undeclared relationship reaches an upstream; each is refused by that rule."""
    reached = set(evidence.upstream.reached)
    for heard in evidence.heard:
        if (heard.caller, heard.model) in _DECLARED:
            continue
        if heard.script.number in reached:
            raise CheckError(f"undeclared call {heard.script.number} reached the upstream")
        if heard.whole and heard.status not in (403, 503):
            raise CheckError(f"undeclared call {heard.script.number} was answered {heard.status}")


def plain_answers_are_untouched(evidence: Evidence) -> None:
    """A plain answer is the upstream's, byte for byte."""
    for heard in evidence.heard:
        whole = heard.status == 200 and not heard.stream and heard.whole
        if whole and heard.body != plain_body(heard.script):
            raise CheckError(f"the answer of call {heard.script.number} was changed")


def streams_are_whole_or_marked(evidence: Evidence) -> None:
    """A stream is a prefix of whole events of its own; its end is [DONE] or an error event."""
    for heard in evidence.heard:
        if heard.status != 200 or not heard.stream:
            continue
        expected = events(heard.script)
        if heard.whole and heard.body.endswith(DONE):
            if heard.body != expected:
                raise CheckError(f"stream {heard.script.number} is not what was sent")
            continue
        # A caller whose own connection was cut may hold part of an event; nobody else may.
        seen = heard.body if heard.whole else b"".join(heard.body.rpartition(b"\n\n")[:2])
        body, mark, error = seen.partition(b'data: {"error"')
        if not expected.startswith(body) or (body and not body.endswith(b"\n\n")):
            raise CheckError(f"stream {heard.script.number} holds what nobody sent: {body[-80:]!r}")
        if heard.whole and not (mark and error.endswith(b"\n\n")):
            raise CheckError(f"stream {heard.script.number} ended without saying how")


def every_call_ends(evidence: Evidence) -> None:
    """Nothing is left under way, and draining cut nobody off."""
    left = len(evidence.system.gateway.journeys.in_flight)
    if left or evidence.cut:
        raise CheckError(f"{left} calls were left under way, {evidence.cut} were cut off")


def the_log_verifies(evidence: Evidence) -> None:
    """The log, recomputed from its entries, leads to its signed root; nothing is left outside."""
    system = evidence.system
    found = verify_log(system.blobs, system.journals, system.signer.vkey)
    if not found.verified or found.pending:
        raise CheckError(f"the log does not verify: {found}")


RULES: tuple[Callable[[Evidence], None], ...] = (
    answers_have_records,
    undeclared_calls_stay_out,
    plain_answers_are_untouched,
    streams_are_whole_or_marked,
    every_call_ends,
    the_log_verifies,
)


def check_all(evidence: Evidence) -> None:
    """Every rule; ``CheckError`` names the first that was broken."""
    for rule in RULES:
        rule(evidence)
