"""One call: its seven states, what was decided and why, what came of it. Pure."""

import shlex
from dataclasses import dataclass
from urllib.parse import quote

from holdfast.audit import CallRecord, Entry, decode_entry
from holdfast.core import trace_of
from holdfast.faces.stages import Progress, Stage, stages_of
from holdfast.faces.web.calls.asking import Asked, asked_of
from holdfast.faces.web.calls.listing import NOBODY, NOTHING, tokens_of
from holdfast.faces.web.calls.rows import GLYPHS, IN_FLIGHT, where_of
from holdfast.faces.web.entries import EntryView, ProvingView, entry_view, proving_view
from holdfast.faces.web.words import clock, day_and_minute, duration, moment, money, short_name
from holdfast.gateway import RULES, Seen

LANE = 1000
"""Units of a lane's width: what the times of a drawing are scaled to."""
LEAST = 4
"""What a time too short to be seen is drawn as."""
ROUTED_MARKS = 5
_AS_A_STREAM = ROUTED_MARKS + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRow:
    """One of the seven, and its part of the whole time as a bar from ``x`` on."""

    name: str
    progress: str
    took: str
    ended: str
    x: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that the record says. ``hint`` explains it; ``href`` leads to more of it."""

    word: str
    value: str
    href: str | None = None
    hint: str = ""
    is_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Facts that belong together."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneView:
    """One call. ``explain`` is the command that says why policy decided so; ``note`` says what is
    not known yet."""

    id: str
    at: str
    when: str
    outcome: str
    tone: str
    glyph: str
    caller: str
    callee: str
    where: str
    rule: str | None
    meaning: str | None
    took: str
    stages: tuple[StageRow, ...]
    groups: tuple[Group, ...]
    explain: str | None
    note: str | None
    entries: tuple[EntryView, ...]
    proofs: tuple[ProvingView, ...]


def one_view(entries: tuple[Entry, ...], *, vkey: str | None) -> OneView:
    """A call by its records, of which the last says most."""
    records = [decode_entry(entry.data) for entry in entries]
    calls = [record for record in records if isinstance(record, CallRecord)]
    last = calls[-1]
    outcome = None if last.event in ("intent", "opened") else last.outcome
    found = stages_of(last.stages_us, outcome=outcome, rule=last.rule)
    shown = tuple(map(entry_view, entries))
    proofs = (proving_view(entry, vkey) for entry in shown)
    return OneView(
        id=last.call,
        at=moment(last.at),
        when=f"{day_and_minute(last.at)[:10]} {clock(last.at)} UTC",
        outcome=outcome or "no outcome yet",
        tone=outcome or "running",
        glyph=GLYPHS.get(outcome or "", IN_FLIGHT),
        caller=short_name(last.principal) or NOBODY,
        callee=last.resource or NOTHING,
        where=where_of(found, cancelled=outcome == "cancelled"),
        rule=last.rule,
        meaning=RULES[last.rule].meaning if last.rule in RULES else None,
        took=duration(last.duration_us),
        stages=stage_rows(found, total_us=last.stages_us[-1] if last.stages_us else 0),
        groups=tuple(group for group in _groups(last) if group.facts),
        explain=_explain(last),
        note=_note(last, shown, outcome=outcome),
        entries=shown,
        proofs=tuple(proof for proof in proofs if proof is not None),
    )


def running_view(seen: Seen, *, now: int) -> OneView:
    """A call that has no record yet, or lost it: what watchers see."""
    lost = seen.state == "lost"
    outcome = None if seen.outcome == "open" else seen.outcome
    found = stages_of(seen.marks_us, outcome=outcome, rule=seen.rule, is_lost=lost)
    took = seen.marks_us[-1] if outcome is not None and seen.marks_us else max(now - seen.at, 0)
    return OneView(
        id=seen.call,
        at=moment(seen.at),
        when=f"{day_and_minute(seen.at)[:10]} {clock(seen.at)} UTC",
        outcome="not recorded" if lost else outcome or "in flight",
        tone="failed" if lost else outcome or "running",
        glyph="!" if lost else GLYPHS.get(outcome or "", IN_FLIGHT),
        caller=short_name(seen.principal) or NOBODY,
        callee=seen.resource or NOTHING,
        where=where_of(found, cancelled=outcome == "cancelled"),
        rule=seen.rule,
        meaning=RULES[seen.rule].meaning if seen.rule in RULES else None,
        took=duration(took),
        stages=stage_rows(found, total_us=took),
        groups=(),
        explain=None,
        note="Its record could not be made durable: nothing of it is in the log."
        if lost
        else "It is under way, or its record is being written. Reload for the newest state.",
        entries=(),
        proofs=(),
    )


def stage_rows(found: tuple[Stage, ...], *, total_us: int) -> tuple[StageRow, ...]:
    """The stages with bars in the proportion of their times."""
    scale = LANE / max(total_us, 1)
    rows: list[StageRow] = []
    for stage in found:
        took, ended = stage.took_us, stage.ended_us
        began = (ended or 0) - (took or 0)
        width = 0 if took is None else max(round(took * scale), LEAST)
        rows.append(
            StageRow(
                name=stage.name,
                progress=stage.progress,
                took=duration(took) if took is not None else _word(stage),
                ended=f"at {duration(ended)}" if ended is not None else "",
                x=min(round(began * scale), LANE - LEAST),
                width=min(width, LANE),
            )
        )
    return tuple(rows)


def _word(stage: Stage) -> str:
    return "recorded" if stage.progress is Progress.PASSED else str(stage.progress)


def _groups(record: CallRecord) -> tuple[Group, ...]:
    return (
        Group(title="Decision", facts=tuple(_decision(record))),
        Group(title="Who", facts=tuple(_who(record))),
        Group(title="How it was answered", facts=tuple(_answer(record))),
        Group(title="What it belongs to", facts=tuple(_belonging(record))),
    )


def _decision(record: CallRecord) -> list[Fact]:
    everything = asked_of({})
    facts = [Fact(word="decision", value="allowed" if record.decision == "allow" else "refused")]
    if record.rule is not None:
        facts.append(_filtered(everything, "rule", record.rule))
    facts.append(Fact(word="HTTP status", value=str(record.status)))
    if record.relationship is not None:
        facts.append(_filtered(everything, "relationship", record.relationship))
    told = (
        ("policies that decided", record.policies, "no policy was asked"),
        ("obligations", record.obligations, "none"),
        ("would have refused, on trial", record.would_refuse, ""),
    )
    facts += [
        Fact(word=word, value=", ".join(names) or none, is_code=bool(names))
        for word, names, none in told
        if names or none
    ]
    if record.approver is not None:
        facts.append(Fact(word="decided by", value=record.approver, is_code=True))
    facts.append(Fact(word="policies in force", value=record.bundle, is_code=True))
    facts.append(Fact(word="blueprint in force", value=record.blueprint, is_code=True))
    return facts


def _who(record: CallRecord) -> list[Fact]:
    facts: list[Fact] = []
    if record.principal is not None:
        facts.append(_person("caller", record.principal))
    facts += [
        _person("on behalf of" if number == 0 else "delegated by", principal)
        for number, principal in enumerate(record.chain)
    ]
    told = (
        ("credential", record.credential),
        ("proved by", record.proof),
        ("platform", record.attested),
        ("tenant", record.tenant),
    )
    facts += [Fact(word=word, value=value, is_code=True) for word, value in told if value]
    return facts


def _answer(record: CallRecord) -> list[Fact]:
    everything = asked_of({})
    facts: list[Fact] = []
    if record.resource is not None:
        facts.append(_filtered(everything, "callee", record.resource))
    facts.append(Fact(word="action", value=record.action, is_code=True))
    if record.tool is not None:
        facts.append(_filtered(everything, "tool", record.tool))
    told = (
        ("answered by", record.node),
        ("asked over, instead", record.fallback),
        ("upstream", record.upstream),
    )
    facts += [Fact(word=word, value=value, is_code=True) for word, value in told if value]
    facts.append(Fact(word="attempts", value=_attempts(record)))
    if record.seams:
        places = ", ".join(f"{each:,}" for each in record.seams)
        facts.append(Fact(word="seams", value=f"another upstream went on at byte {places}"))
    if record.event == "closed" and len(record.stages_us) >= _AS_A_STREAM:
        first = duration(record.stages_us[ROUTED_MARKS])
        facts.append(Fact(word="first token", value=f"after {first}"))
    tokens = tokens_of(record.tokens_in, record.tokens_out)
    if tokens:
        facts.append(Fact(word="tokens in → out", value=tokens))
    if record.cost is not None:
        facts.append(Fact(word="cost", value=money(record.cost)))
    return facts


def _attempts(record: CallRecord) -> str:
    if record.cached:
        return "none: the answer was kept from an earlier call"
    if not record.attempts:
        return "none: no upstream was asked"
    return "1" if record.attempts == 1 else f"{record.attempts}: retries, hedges or fallbacks"


def _belonging(record: CallRecord) -> list[Fact]:
    trace = trace_of(record.call, record.trace)
    where = "named by the caller" if record.trace is not None else "begun here"
    facts = [
        Fact(
            word="trace",
            value=trace.trace,
            href=f"/traces/{trace.trace}",
            hint=where,
            is_code=True,
        ),
        Fact(word="span", value=trace.server, is_code=True),
    ]
    if trace.parent is not None:
        facts.append(Fact(word="parent span", value=trace.parent, is_code=True))
    if record.session is not None:
        href = f"/agents/sessions/{quote(record.session, safe='')}"
        facts.append(Fact(word="session", value=record.session, href=href, is_code=True))
    if record.txn is not None:
        facts.append(Fact(word="root mandate", value=record.txn, is_code=True))
    facts.append(Fact(word="worker", value=str(record.worker)))
    return facts


def _filtered(everything: Asked, name: str, word: str) -> Fact:
    return Fact(word=name, value=word, href=everything.narrowed(**{name: word}), is_code=True)


def _person(word: str, principal: str) -> Fact:
    """A principal of this system by its page; one of elsewhere by its name alone."""
    name = short_name(principal) or principal
    href = f"/principals/{quote(name, safe='')}"
    return Fact(word=word, value=name, href=href, hint=principal if name != principal else "")


def _explain(record: CallRecord) -> str | None:
    """What to type to see the policies decide again: names go through the shell unharmed."""
    caller = short_name(record.principal)
    if not caller or record.resource is None:
        return None
    asked = (("principal", caller), ("action", record.action), ("resource", record.resource))
    told = " ".join(f"--{name} {shlex.quote(word)}" for name, word in asked)
    return f"holdfast policy explain blueprint.yaml {told}"


def _note(record: CallRecord, entries: tuple[EntryView, ...], *, outcome: str | None) -> str | None:
    if outcome is None:
        begun = "it was sent on" if record.event == "intent" else "its answer began"
        return f"No outcome is recorded yet: {begun}. Without one in time it becomes an alarm."
    if any(entry.index is None for entry in entries):
        return (
            "Its record is durable; within a second a checkpoint covers it, and it can be proved."
        )
    return None
