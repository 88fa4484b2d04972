"""The list of calls: those of the history, and on its newest page those that it does not have yet.
Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from holdfast.faces.view import Live
from holdfast.faces.web.calls.asking import OUTCOMES, ROWS, Asked
from holdfast.faces.web.calls.rows import GLYPHS, IN_FLIGHT, row_of
from holdfast.faces.web.words import clock, day_and_minute, duration, moment, money
from holdfast.gateway import RULES, Seen
from holdfast.history import Call, Extent

FURTHER = ("rule", "tool", "session", "trace", "since", "until")
NOBODY = "unknown caller"
NOTHING = "what it may call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One call. ``how`` is what was out of the ordinary on its way; ``meaning`` is its rule's."""

    id: str
    href: str
    at: str
    when: str
    outcome: str
    tone: str
    glyph: str
    caller: str
    caller_href: str | None
    callee: str
    callee_href: str | None
    tool: str | None
    rule: str | None
    meaning: str | None
    how: tuple[str, ...]
    took: str
    first_token: str
    tokens: str
    cost: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListView:
    """A page of calls. ``older`` and ``newer`` lead on, None where there is nothing; ``reach`` says
    how many calls there are at all."""

    rows: tuple[Row, ...]
    in_flight: int
    problems: tuple[str, ...]
    is_filtered: bool
    is_newest: bool
    has_past: bool
    trouble: str | None
    reach: str | None
    older: str | None
    newer: str | None
    newest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the form offers to fill in; ``has_further`` says that its rarer fields are in use."""

    words: dict[str, str]
    has_further: bool
    nodes: tuple[str, ...]
    relationships: tuple[str, ...]
    rules: tuple[str, ...]
    outcomes: tuple[str, ...] = OUTCOMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the history answered: one call more than a page, where there are more."""

    calls: tuple[Call, ...]
    extent: Extent


def choices_of(asked: Asked, *, nodes: Iterable[str], relationships: Iterable[str]) -> Choices:
    return Choices(
        words=dict(asked.words),
        has_further=any(name in asked.words for name in FURTHER),
        nodes=tuple(nodes),
        relationships=tuple(relationships),
        rules=tuple(RULES),
    )


def list_view(asked: Asked, found: Found | str | None, live: Live) -> ListView:
    """A page of what was asked for; ``found`` is None where no history is kept, and a sentence where
    it cannot be read."""
    calls, has_more = _page(asked, found)
    fresh = _fresh(asked, calls, live, is_full=has_more) if asked.is_newest else ()
    running = [seen for seen in fresh if seen.outcome is None]
    ended = [_of_seen(seen, asked, now=live.at) for seen in fresh if seen.outcome is not None]
    told = [*ended, *(_of_call(call, asked, now=live.at) for call in calls)]
    told.sort(key=lambda row: row.id, reverse=True)
    is_back = asked.query.after is not None
    begins = calls[0].call if calls else None
    ends = calls[-1].call if calls else None
    return ListView(
        rows=(*(_of_seen(seen, asked, now=live.at) for seen in running), *told),
        in_flight=len(running),
        problems=asked.problems,
        is_filtered=bool(asked.narrowed() != "/calls"),
        is_newest=asked.is_newest,
        has_past=found is not None,
        trouble=found if isinstance(found, str) else None,
        reach=_reach(found.extent) if isinstance(found, Found) else None,
        older=asked.link(before=ends, after=None) if ends and (has_more or is_back) else None,
        newer=asked.link(after=begins, before=None) if begins and not asked.is_newest else None,
        newest=asked.narrowed(),
    )


def _page(asked: Asked, found: Found | str | None) -> tuple[Sequence[Call], bool]:
    if not isinstance(found, Found):
        return (), False
    calls = found.calls
    # Asked from a page upwards, the one too many is the newest.
    kept = calls[-ROWS:] if asked.query.after is not None else calls[:ROWS]
    return kept, len(calls) > ROWS


def _fresh(asked: Asked, calls: Sequence[Call], live: Live, *, is_full: bool) -> tuple[Seen, ...]:
    """Calls under way, and ended ones that are on their way into the history."""
    known = {call.call for call in calls}
    oldest = calls[-1].call if calls and is_full else ""
    recent = (seen for seen in live.recent if seen.call > oldest)
    return tuple(
        seen for seen in (*live.in_flight, *recent) if seen.call not in known and asked.fits(seen)
    )


def _of_seen(seen: Seen, asked: Asked, *, now: int) -> Row:
    row = row_of(seen, now=now)
    over = seen.outcome is not None
    return Row(
        id=row.id,
        href=f"/calls/{row.id}",
        at=row.at,
        when=_when(seen.at, now=now),
        outcome=row.outcome,
        tone=row.tone,
        glyph=row.glyph,
        caller=row.caller,
        caller_href=_narrowed(asked, "caller", row.caller) if seen.principal else None,
        callee=row.callee,
        callee_href=_narrowed(asked, "callee", seen.resource),
        tool=None,
        rule=row.rule,
        meaning=row.meaning,
        how=() if over else (row.where,),
        took=row.took,
        first_token="",
        tokens="",
        cost="",
    )


def _of_call(call: Call, asked: Asked, *, now: int) -> Row:
    rule = RULES.get(call.rule) if call.rule is not None else None
    return Row(
        id=call.call,
        href=f"/calls/{quote(call.call, safe='')}",
        at=moment(call.at),
        when=_when(call.at, now=now),
        outcome="in flight" if call.outcome == "open" else call.outcome,
        tone="running" if call.outcome == "open" else call.outcome,
        glyph=GLYPHS.get(call.outcome, IN_FLIGHT),
        caller=call.caller or NOBODY,
        caller_href=_narrowed(asked, "caller", call.caller),
        callee=call.callee or NOTHING,
        callee_href=_narrowed(asked, "callee", call.callee),
        tool=call.tool,
        rule=call.rule,
        meaning=rule.meaning if rule is not None else None,
        how=how_of(call),
        took=duration(call.duration_us),
        first_token=duration(call.first_token_us) if call.first_token_us is not None else "",
        tokens=tokens_of(call.tokens_in, call.tokens_out),
        cost=money(call.cost) if call.cost is not None else "",
    )


def how_of(call: Call) -> tuple[str, ...]:
    """What was out of the ordinary on a call's way."""
    found: list[str] = []
    if call.cached:
        found.append("from the cache")
    if call.attempts > 1:
        found.append(f"{call.attempts} attempts")
    if call.fallback is not None:
        found.append("fell back")
    if call.approver is not None:
        found.append("a person decided")
    return tuple(found)


def tokens_of(tokens_in: int | None, tokens_out: int | None) -> str:
    """``812 → 204``: what went in, what came out."""
    if tokens_in is None and tokens_out is None:
        return ""
    return " → ".join("?" if each is None else f"{each:,}" for each in (tokens_in, tokens_out))


def _narrowed(asked: Asked, name: str, word: str | None) -> str | None:
    if not word or asked.words.get(name) == word:
        return None
    return asked.narrowed(**{name: word})


def _when(at: int, *, now: int) -> str:
    """The time of day, with the day where it is another."""
    day = moment(at)[:10]
    return clock(at) if day == moment(now)[:10] else f"{day} {clock(at)[:8]}"


def _reach(extent: Extent) -> str:
    if extent.oldest is None:
        return "No call is in the history yet"
    calls = "1 call" if extent.calls == 1 else f"{extent.calls:,} calls"
    return f"{calls} since {day_and_minute(extent.oldest)}"
