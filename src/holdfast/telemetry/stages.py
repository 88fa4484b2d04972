"""What a call's last record says of its parts: how long each took."""

from holdfast.audit import CallRecord

ROUTED = ("accept", "authenticate", "authorize", "guard", "route")
"""Stages that leave one mark each; of a refused call the last one that ran refused it."""
SEND = "send"


def stage_times(record: CallRecord) -> dict[str, int]:
    """Microseconds of each stage that ran, in order; nothing for ``write``, which ends with what the
    times stand in."""
    marks = record.stages_us[:-1]
    ends = marks[: len(ROUTED)]
    begins = (0, *ends)
    found = {name: end - began for name, end, began in zip(ROUTED, ends, begins, strict=False)}
    if len(ends) == len(ROUTED) and record.outcome != "refused":
        found[SEND] = record.stages_us[-1] - ends[-1]
    return found
