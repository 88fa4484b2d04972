"""Whether the system holds, in one line, with every reason and where to look. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from holdfast.blueprint import Blueprint
from holdfast.faces.architecture import Reviewed
from holdfast.faces.view import Live
from holdfast.faces.web.now.asking import MINUTE_US, Asked
from holdfast.faces.web.now.health import OUT, UNSURE, WORDS, past_healths
from holdfast.faces.web.now.loads import NEAR_SHARE
from holdfast.faces.web.now.traffic import TROUBLE_SHARE, Flow, Flows, Window
from holdfast.faces.web.words import day_and_minute, short_name
from holdfast.history import BEHIND_MAX
from holdfast.telemetry.anomalies import Anomaly
from holdfast.telemetry.objectives import Standing

NAMED_MAX = 3
"""Things that one reason names; further ones are counted."""
CALLS_MIN = 5
"""Fewer failed calls than this say nothing of a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Something to look at, and where. ``is_note``: worth knowing, and no trouble."""

    tone: str
    glyph: str
    text: str
    href: str
    is_note: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The first lines: what runs here, and whether it holds."""

    name: str
    description: str
    digest: str
    version: str
    tone: str
    glyph: str
    verdict: str
    said: str
    reasons: tuple[Reason, ...]
    trouble: str | None
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the verdict is made of. ``live`` is None for a minute of the past; ``log_size`` is
    None where the log cannot be read."""

    blueprint: Blueprint
    asked: Asked
    flows: Flows
    window: Window
    live: Live | None
    trouble: str | None = None
    log_trouble: str | None = None
    log_size: int | None = None
    reviewed: Reviewed | None = None
    standings: Sequence[Standing] = ()
    anomalies: Sequence[Anomaly] = ()


def status_view(facts: Facts, *, version: str) -> StatusView:
    """The verdict. In the past it is told of what the minute's calls and moments say."""
    reasons = tuple(_reasons(facts))
    troubles = [each for each in reasons if not each.is_note]
    count = len(troubles)
    at = facts.asked.at
    tense = ("Holds", "Look here") if at is None else ("Held", "Look there")
    worst = "refused" if any(each.tone == "refused" for each in troubles) else "failed"
    return StatusView(
        name=facts.blueprint.name,
        description=facts.blueprint.description,
        digest=facts.blueprint.digest,
        version=version,
        tone=worst if troubles else "good",
        glyph="!" if troubles else "✓",
        verdict=f"{tense[1]}: {count} thing{'s' if count > 1 else ''}" if troubles else tense[0],
        said="" if troubles else _well(facts),
        reasons=reasons,
        trouble=facts.trouble,
        as_of=day_and_minute(at) if at is not None else "",
    )


def _well(facts: Facts) -> str:
    if facts.live is None and not facts.flows.all.calls:
        return "No call ended in that minute."
    if facts.live is None:
        return "Calls were answered, nothing undeclared was tried, no upstream was out."
    if not facts.flows.all.calls and not facts.flows.all.in_flight:
        return "Ready for calls; none came in the last minutes."
    return "Every worker is ready, every upstream takes calls, and calls are answered."


def _reasons(facts: Facts) -> Iterator[Reason]:
    if facts.live is not None:
        yield from _of_instance(facts, facts.live)
        yield from _of_upstreams(facts.live)
    else:
        yield from _of_past_upstreams(facts)
    yield from _of_attempts(facts)
    yield from _of_failures(facts)
    if facts.live is not None:
        yield from _of_budgets(facts.live)
        yield from _of_approvals(facts.live)
        yield from _of_objectives(facts.standings)
        yield from _of_anomalies(facts.anomalies)
        yield from _of_review(facts)
    if facts.window.trouble:
        text = f"The past cannot be read: {facts.window.trouble}"
        yield Reason(tone="plain", glyph="?", text=text, href="/log", is_note=True)
    yield from _of_the_history(facts.window.upto, facts.log_size)


def _of_the_history(upto: int | None, size: int | None) -> Iterator[Reason]:
    """While it is made anew, and until it is done, the newest calls are not in it."""
    if upto is not None and size is not None and size - upto > BEHIND_MAX:
        text = (
            f"The history is being made: {upto:,} of {size:,} records are in it ({upto / size:.0%}); "
            "what is told of calls lacks the newest"
        )
        yield Reason(tone="plain", glyph="?", text=text, href="/log", is_note=True)


def _of_instance(facts: Facts, live: Live) -> Iterator[Reason]:
    idle = [w for w in live.workers if not w.leaving and (not w.ready or w.fault is not None)]
    if facts.trouble is not None:
        text = f"Not ready: {facts.trouble}"
        if len(idle) > 1:
            text = f"{text}; {len(idle)} of {len(live.workers)} workers take no calls"
        yield Reason(tone="refused", glyph="✕", text=text, href="#workers")
    elif idle:
        text = f"{len(idle)} of {len(live.workers)} workers take no calls"
        yield Reason(tone="refused", glyph="✕", text=text, href="#workers")
    if facts.log_trouble:
        text = f"The log cannot be read: {facts.log_trouble}"
        yield Reason(tone="refused", glyph="✕", text=text, href="/log")
    if live.alarms:
        count = len(live.alarms)
        word = "call was" if count == 1 else "calls were"
        text = f"{count} {word} begun and left no outcome: {_named(a.call for a in live.alarms)}"
        yield Reason(tone="refused", glyph="✕", text=text, href="#alarms")


def _of_upstreams(live: Live) -> Iterator[Reason]:
    for states, tone, glyph, said in (
        (OUT, "refused", "✕", "out of service"),
        (UNSURE, "failed", "?", "not sure of itself"),
    ):
        found = [each for each in live.upstreams if each.state in states]
        if not found:
            continue
        names = _named(f"{each.upstream} ({WORDS[each.state]})" for each in found)
        plural = "s" if len(found) > 1 else ""
        text = f"{len(found)} upstream{plural} {said}: {names}"
        yield Reason(tone=tone, glyph=glyph, text=text, href=f"#upstreams-{found[0].node}")


def _of_past_upstreams(facts: Facts) -> Iterator[Reason]:
    own = {str(name): str(name) for name in facts.blueprint.nodes}
    healths = past_healths(facts.window.moments, facts.window.until, own)
    out = [f"{name} ({', '.join(each.words())})" for name, each in healths.items() if each.out]
    if out:
        text = f"{len(out)} out of service then: {_named(out)}"
        yield Reason(tone="refused", glyph="✕", text=text, href="#moments")


def _of_attempts(facts: Facts) -> Iterator[Reason]:
    attempts = facts.flows.attempts
    if not attempts:
        return
    calls = sum(each.calls for each in attempts)
    pairs = _named(f"{each.caller or 'unknown caller'} → {each.callee}" for each in attempts)
    text = f"{calls:,} undeclared call{'s' if calls > 1 else ''} refused{_then(facts)}: {pairs}"
    href = f"/calls?{urlencode([('rule', 'relationship.undeclared'), *_time(facts)])}"
    yield Reason(tone="refused", glyph="✕", text=text, href=href)


def _of_failures(facts: Facts) -> Iterator[Reason]:
    found = [
        (name, flow)
        for name, flow in facts.flows.of.items()
        if flow.failed and flow.failed > TROUBLE_SHARE * flow.calls
    ]
    failed = sum(flow.failed for _, flow in found)
    if found and (failed >= CALLS_MIN or any(_most(flow) for _, flow in found)):
        found.sort(key=lambda each: -each[1].failed)
        over = _named(f"{name} {flow.failed} of {flow.calls}" for name, flow in found)
        text = f"{failed:,} call{'s' if failed > 1 else ''} failed{_then(facts)}: {over}"
        href = f"/calls?{urlencode([('outcome', 'failed'), *_time(facts)])}"
        yield Reason(tone="failed", glyph="!", text=text, href=href)


def _most(flow: Flow) -> bool:
    return 2 * flow.failed >= flow.calls


def _then(facts: Facts) -> str:
    if facts.live is None:
        return ""
    minutes = round(facts.window.seconds / 60)
    return " in the last minute" if minutes <= 1 else f" in the last {minutes} minutes"


def _of_budgets(live: Live) -> Iterator[Reason]:
    full = [b for b in live.budgets if b.spent >= NEAR_SHARE * b.limit]
    if full:
        full.sort(key=lambda b: -(b.spent / b.limit if b.limit else 1.0))
        used_up = any(each.spent >= each.limit for each in full)
        names = _named(
            f"{b.account} {b.spent / b.limit if b.limit else 1.0:.0%} of its {b.unit}" for b in full
        )
        word = "budget" if len(full) == 1 else "budgets"
        text = f"{len(full)} {word} {'used up or ' if used_up else ''}nearly used up: {names}"
        tone, glyph = ("refused", "✕") if used_up else ("failed", "!")
        yield Reason(tone=tone, glyph=glyph, text=text, href="#budgets")


def _of_objectives(standings: Sequence[Standing]) -> Iterator[Reason]:
    for states, tone, glyph, said in (
        (("spent",), "refused", "✕", "missed: nothing of the budget is left"),
        (("burning-fast", "burning-slow"), "failed", "▲", "burning"),
    ):
        found = [each for each in standings if each.state in states]
        if found:
            names = _named(
                f"{each.objective.kind.replace('_', ' ')} of {each.scope.name or 'the system'}"
                for each in found
            )
            word = "objective" if len(found) == 1 else "objectives"
            text = f"{len(found)} {word} {said}: {names}"
            yield Reason(tone=tone, glyph=glyph, text=text, href="#objectives")


def _of_anomalies(anomalies: Sequence[Anomaly]) -> Iterator[Reason]:
    current = [each for each in anomalies if each.until is None]
    if current:
        names = _named(dict.fromkeys(f"{each.measure} of {each.relationship}" for each in current))
        text = f"{len(current)} unlike itself: {names}"
        yield Reason(tone="failed", glyph="◆", text=text, href="#anomalies")


def _of_approvals(live: Live) -> Iterator[Reason]:
    count = len(live.approvals)
    if count:
        names = _named(f"{short_name(a.principal)} → {a.callee}" for a in live.approvals)
        text = f"{count} call{'s wait' if count > 1 else ' waits'} for a person: {names}"
        yield Reason(tone="failed", glyph="…", text=text, href="/approvals")


def _of_review(facts: Facts) -> Iterator[Reason]:
    if facts.reviewed is None:
        return
    broken = facts.reviewed.report.broken
    grave = [each for each in broken if each.level == "block"]
    if grave:
        names = _named(dict.fromkeys(each.rule.id for each in grave))
        text = f"{len(grave)} finding{'s' if len(grave) > 1 else ''} that block: {names}"
        yield Reason(tone="failed", glyph="⚑", text=text, href="/architecture#findings")
    rest = len(broken) - len(grave)
    if rest:
        word = "finding" if rest == 1 else "findings"
        text = f"{rest} {'further ' if grave else ''}{word} of the review, none that blocks"
        yield Reason(
            tone="plain", glyph="⚑", text=text, href="/architecture#findings", is_note=True
        )


def _time(facts: Facts) -> list[tuple[str, str]]:
    at = facts.asked.at
    if at is None:
        return []
    return [("since", Asked(at=at).moment), ("until", Asked(at=at + MINUTE_US).moment)]


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - NAMED_MAX} more" if len(listed) > NAMED_MAX else ""
    return ", ".join(listed[:NAMED_MAX]) + more
