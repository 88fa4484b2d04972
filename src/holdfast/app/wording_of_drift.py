"""Drift in words for a terminal: at most a screen unless all is asked for."""

from collections.abc import Iterator

from holdfast.app.drift import DriftReply, FindingRow, SignalRow, TableRow
from holdfast.loops.drift import NAMES, TITLES, Kind

SHOWN_MAX = 12
TABLE_MAX = 16


def drift_text(reply: DriftReply, *, everything: bool = False) -> str:
    """Counts by class, then findings with their remedies, the table, trends."""
    lines = [
        _head(reply),
        *_counts(reply),
        "",
        *_findings(reply, everything=everything),
        *_table(reply, everything=everything),
        *_signals(reply, everything=everything),
        *(f"note: {note}" for note in reply.notes),
    ]
    return "\n".join(lines).rstrip()


def _head(reply: DriftReply) -> str:
    times = f"{reply.start or 'never'} to {reply.end}"
    return (
        f"{reply.blueprint}: {reply.sightings} sightings, {times}, silence judged over "
        f"{reply.window_days:.1f} days"
    )


def _counts(reply: DriftReply) -> Iterator[str]:
    blind = sum(each.kind == Kind.BLIND for each in reply.findings)
    for kind in Kind:
        n = blind if kind is Kind.BLIND else reply.counts[kind]
        if n:
            yield f"  {kind}  {n:>4}  {TITLES[kind]}"
    shares = (("calls that are covered", reply.fitness), ("relationships in use", reply.precision))
    said = ", ".join(f"{name}: {value:.1%}" for name, value in shares if value is not None)
    if said:
        yield f"  {said}"


def _findings(reply: DriftReply, *, everything: bool) -> Iterator[str]:
    shown = [each for each in reply.findings if everything or each.level != "note"]
    if not shown:
        yield (
            "nothing drifts, as far as can be seen"
            if reply.sightings
            else "nothing was seen between parties that are declared: nothing can be said"
        )
    for each in shown if everything else shown[:SHOWN_MAX]:
        yield from _finding(each)
    left = len(shown) - SHOWN_MAX
    if left > 0 and not everything:
        yield f"and {left} more: --all shows them"


def _finding(each: FindingRow) -> Iterator[str]:
    word = "waived" if each.waived_until else each.level
    sure = f", {each.confidence:.0%} sure" if each.confidence else ""
    yield f"{word.upper():6} {each.kind} {each.what} ({each.sightings} sightings{sure})"
    if each.waived_until:
        yield f"         waived until {each.waived_until}"
        return
    remedy = each.remedy
    if remedy.patches:
        places = ", ".join(".".join(str(step) for step in patch.path) for patch in remedy.patches)
        yield f"    declare: {places}; {remedy.note}"
    elif remedy.note:
        yield f"    {remedy.note}"
    if remedy.would_refuse is not None:
        yield f"    forbid:  {_denied(each)}"
    waiver = remedy.waiver
    yield f'    waive:   {{rule: {waiver["rule"]}, at: "{waiver["at"]}", expires: {waiver["expires"]}, ...}}'


def _denied(each: FindingRow) -> str:
    remedy = each.remedy
    how = "a Cedar policy" if remedy.cedar is not None else "in the network"
    cut = f", and cut the flows {', '.join(remedy.cuts_flows)}" if remedy.cuts_flows else ""
    covered = (
        f", {remedy.would_refuse_covered} of them as declared"
        if remedy.would_refuse_covered
        else ""
    )
    return f"{how} would have refused {remedy.would_refuse} of the past sightings{covered}{cut}"


def _table(reply: DriftReply, *, everything: bool) -> Iterator[str]:
    rows = reply.table if everything else [r for r in reply.table if r.reading != "agrees"]
    if not rows:
        return
    yield ""
    width = max(len(f"{row.source} -> {row.target}") for row in rows)
    yield f"{'':{width}}  declared  permitted  seen"
    for row in rows if everything else rows[:TABLE_MAX]:
        yield _row(row, width)
    if len(rows) > TABLE_MAX and not everything:
        yield f"and {len(rows) - TABLE_MAX} more rows"


def _row(row: TableRow, width: int) -> str:
    permitted = {None: "?", True: "yes", False: "no"}[row.permitted]
    pair = f"{row.source} -> {row.target}"
    declared = "yes" if row.declared else "no"
    return f"{pair:{width}}  {declared:8}  {permitted:9}  {row.seen:<6} {row.reading}"


def _signals(reply: DriftReply, *, everything: bool) -> Iterator[str]:
    shown = [each for each in reply.signals if everything or each.slope is not None]
    if shown:
        yield ""
        yield "signals of operational drift, by week (p-values corrected for all tests)"
    for each in shown:
        yield f"  {each.signal:4} {each.name}: {_said(each)}"
    if everything:
        for name, need in reply.signals_missing.items():
            yield f"  {name:4} {NAMES[name]}: not judged, for it needs {need}"
    elif shown and reply.signals_missing:
        yield f"  not judged: {', '.join(reply.signals_missing)}; --all says what they need"


def _said(each: SignalRow) -> str:
    if each.p_slope is None or each.p_step is None:
        return each.said
    return f"{each.said} (p {each.p_slope:.3f} for a slope, {each.p_step:.3f} for a step)"
