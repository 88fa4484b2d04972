"""What happened that is no span: a refusal, a failure, a change that somebody made.

Each says what a person needs who sees nothing else. The reason that somebody gave for a change stays
in the log: it is free text.
"""

from collections.abc import Callable
from typing import Final

from holdfast.audit import CallRecord, ChangeRecord
from holdfast.core import CallTrace
from holdfast.history import caller_of
from holdfast.telemetry.otlp import names
from holdfast.telemetry.otlp.forms import ERROR, INFO, WARN, Event, Value
from holdfast.telemetry.otlp.spans import mcp_attributes

REFUSED: Final = "holdfast.call.refused"
FAILED: Final = "holdfast.call.failed"
CHANGED: Final = "holdfast.change"

Meaning = Callable[[str], str]
"""What a rule's code means, in a sentence; "" of one that is not known."""


def event_of(record: CallRecord, ids: CallTrace, *, meaning: Meaning) -> Event | None:
    """The event of a call that was refused or that failed; None of any other."""
    name = {"refused": REFUSED, "failed": FAILED}.get(record.outcome)
    if name is None or record.rule is None:
        return None
    whole = meaning(record.rule)
    optional: dict[str, Value | None] = {
        names.PRINCIPAL: record.principal,
        names.CALLER: caller_of(record.principal),
        names.CALLEE: record.resource,
        names.RELATIONSHIP: record.relationship,
        names.POLICIES: record.policies or None,
    }
    return Event(
        at=record.at + record.duration_us,
        name=name,
        severity=WARN if record.outcome == "refused" else ERROR,
        text=f"{record.outcome} by {record.rule}" + (f": {whole}" if whole else ""),
        attributes={
            names.CALL: record.call,
            names.RULE: record.rule,
            names.HTTP_STATUS: record.status,
            **mcp_attributes(record),
            **{name: value for name, value in optional.items() if value is not None},
        },
        trace=ids.trace,
        span=ids.server,
    )


def change_event(record: ChangeRecord, index: int) -> Event:
    """The event of a change; ``index`` is where the log has it."""
    return Event(
        at=record.at,
        name=CHANGED,
        severity=INFO,
        text=f"{record.kind}: {record.subject}",
        attributes={
            names.CHANGE: record.kind,
            names.SUBJECT: record.subject,
            names.BY: record.by,
            names.INDEX: index,
        },
    )
