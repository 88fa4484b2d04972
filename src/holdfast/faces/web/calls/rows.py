"""One call on a line: what the first page and the list of calls show of it. Pure."""

from dataclasses import dataclass

from holdfast.faces.stages import Progress, Stage, stages
from holdfast.faces.web.words import OUTCOME_MARKS, clock, duration, moment, short_name
from holdfast.gateway import RULES, Seen

GLYPHS = {outcome: glyph for outcome, (_, glyph) in OUTCOME_MARKS.items()}
IN_FLIGHT = "▸"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pip:
    """One of a call's seven stages on its row."""

    stage: str
    progress: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call."""

    id: str
    at: str
    clock: str
    outcome: str
    tone: str
    glyph: str
    caller: str
    callee: str
    pips: tuple[Pip, ...]
    where: str
    took: str
    rule: str | None
    meaning: str | None
    status: int | None
    relationship: str | None
    recorded: bool


def row_of(seen: Seen, *, now: int) -> CallRow:
    found = stages(seen)
    over = seen.outcome is not None
    tone = seen.outcome or "running"
    lost = seen.state == "lost"
    rule = RULES.get(seen.rule) if seen.rule is not None else None
    took_us = (seen.marks_us[-1] if seen.marks_us else 0) if over else max(now - seen.at, 0)
    return CallRow(
        id=seen.call,
        at=moment(seen.at),
        clock=clock(seen.at),
        outcome="not recorded" if lost else seen.outcome or "in flight",
        tone="failed" if lost else tone,
        glyph="!" if lost else GLYPHS.get(tone, IN_FLIGHT),
        caller=short_name(seen.principal) or "unknown caller",
        callee=seen.resource or "what it may call",
        pips=tuple(pip_of(stage) for stage in found),
        where=where_of(found, cancelled=seen.outcome == "cancelled"),
        took=duration(took_us) if over else _whole(took_us),
        rule=seen.rule,
        meaning=rule.meaning if rule is not None else None,
        status=seen.status,
        relationship=seen.relationship,
        recorded=over and not lost,
    )


def pip_of(stage: Stage) -> Pip:
    time = duration(stage.took_us) if stage.took_us is not None else ""
    return Pip(stage=stage.name, progress=stage.progress, time=time)


def where_of(found: tuple[Stage, ...], *, cancelled: bool) -> str:
    """Where the call stands, or stopped: what the pips say, in words."""
    for stage in found:
        if stage.progress is Progress.FAILED and cancelled:
            return f"caller left during {stage.name}"
        if stage.progress in (Progress.REFUSED, Progress.FAILED):
            return f"{stage.progress} at {stage.name}"
        if stage.progress is Progress.RUNNING:
            return f"in {stage.name}"
    return "through all stages"


def _whole(us: int) -> str:
    return f"{us // 1_000_000} s so far"
