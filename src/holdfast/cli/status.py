"""``holdfast status``: one screen that says whether the system holds."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.command import data_option, json_option, judging_command, show
from holdfast.cli.drawing import Drawing
from holdfast.cli.quantities import NONE, count, duration, money, rate, share
from holdfast.cli.tables import Cell, Column

if TYPE_CHECKING:
    from holdfast.app.overview import Lately, Overview
    from holdfast.app.picture import Budget, LiveSeen, ObjectiveSeen, Upstream
    from holdfast.cli.colours import Tone

_NAME_WIDTH = 10
_TONES: "dict[str, Tone]" = {"up": "good", "half-open": "warned", "resting": "warned"}


@click.command()
@data_option
@json_option
@judging_command
def status(*, data: Path | None, as_json: bool) -> None:
    """Tell on one screen whether the system holds, and what to look at if it does not.

    Exit code: 0 it holds, 1 it does not, 2 that could not be found out.
    """
    from holdfast.app.instances import find_data
    from holdfast.app.overview import look_over_now

    found = look_over_now(find_data(data))
    if as_json:
        show(found, "", as_json=True)
    else:
        drawing = Drawing.on(sys.stdout)
        drawing.print(status_lines(found, drawing))
    if not found.holds:
        sys.exit(1)


def status_lines(found: "Overview", drawing: Drawing) -> Iterator[str]:
    """The screen."""
    paint, live = drawing.paint, found.live
    verdict = paint("holds", "good") if found.holds else paint("does not hold", "bad")
    yield f"{paint(found.system or 'no instance', 'head')}  {verdict}"
    yield from (f"  {paint('why', 'bad')}  {drawing.plain(each)}" for each in found.reasons)
    yield from (f"  {paint('see', 'warned')}  {drawing.plain(each)}" for each in found.notes)
    yield ""
    if found.instance is not None:
        yield _row("up", f"{duration(found.at - found.instance.started)}, {found.instance.url}")
        yield _row("console", found.instance.console)
    yield _row("data", found.data)
    if live is not None:
        yield _row("workers", _workers(live))
    if found.lately is not None:
        yield _row("calls", _calls(found.lately, live))
    if found.checkpoint is not None:
        head = found.checkpoint
        age = duration(max(0, found.at - head.at))
        yield _row("log", f"{head.size:,} entries, checkpoint of {age} ago, root {head.root[:16]}")
    if live is not None:
        yield _row("approvals", _approvals(live))
        yield _row("alarms", _alarms(live))
        if found.objectives:
            yield _row("objectives", _objectives(found.objectives))
        yield from _upstreams(live, drawing)
    yield from _budgets(found.near_end, found.at, drawing)


def _row(name: str, text: str) -> str:
    return f"{name:<{_NAME_WIDTH}} {text}"


def _workers(live: "LiveSeen") -> str:
    ready = sum(each.ready and each.fault is None and not each.leaving for each in live.workers)
    leaving = sum(each.leaving for each in live.workers)
    bad = len(live.workers) - ready - leaving
    parts = [f"{ready} ready"]
    parts += [f"{bad} not ready"] if bad else []
    parts += [f"{leaving} finishing calls"] if leaving else []
    return ", ".join(parts)


def _calls(lately: "Lately", live: "LiveSeen | None") -> str:
    busy = f"; {count(len(live.in_flight))} under way" if live is not None else ""
    told = f"{rate(lately.calls / lately.window_s)} in the last {duration(lately.window_s * 1e6)}"
    if not lately.calls:
        return f"none in the last {duration(lately.window_s * 1e6)}{busy}"
    ways = (
        (lately.answered, "answered"),
        (lately.refused, "refused"),
        (lately.failed, "failed"),
        (lately.cancelled, "cancelled"),
    )
    shares = [f"{share(part, lately.calls)} {word}" for part, word in ways if part]
    return f"{told}: {', '.join(shares)}{busy}"


def _approvals(live: "LiveSeen") -> str:
    if not live.approvals:
        return "none waiting"
    left = duration(max(0, min(each.until for each in live.approvals) - live.at))
    return f"{len(live.approvals)} waiting, the first for {left} still: holdfast approvals list"


def _alarms(live: "LiveSeen") -> str:
    if not live.alarms:
        return "none"
    return f"{len(live.alarms)} begun and without outcome: holdfast audit alarms"


def _objectives(objectives: "tuple[ObjectiveSeen, ...]") -> str:
    states = Counter(each.state.replace("-", " ") for each in objectives)
    return ", ".join(f"{n} {state}" for state, n in states.items()) + ": holdfast objectives"


_UPSTREAM_COLUMNS = (
    Column(title="NODE", least=8),
    Column(title="UPSTREAM", least=8),
    Column(title="STATE"),
    Column(title="IN FLIGHT", align="right"),
    Column(title="LIMIT", align="right", rank=2),
    Column(title="FIRST TOKEN", align="right", rank=1),
    Column(title="SENT", align="right", rank=4),
    Column(title="FAILED", align="right", rank=3),
)


def _upstreams(live: "LiveSeen", drawing: Drawing) -> Iterator[str]:
    if live.upstreams:
        yield ""
        yield from drawing.table(_UPSTREAM_COLUMNS, map(_upstream, live.upstreams))


def _upstream(each: "Upstream") -> tuple[Cell, ...]:
    first = None if each.first_token_ms is None else each.first_token_ms * 1_000
    return (
        Cell(each.node),
        Cell(each.upstream),
        Cell(each.state, _TONES.get(each.state, "bad")),
        Cell(str(each.in_flight)),
        Cell(str(each.limit)),
        Cell(duration(first)),
        Cell(count(each.sent)),
        Cell(count(each.failed), "warned" if each.failed else "plain"),
    )


_BUDGET_COLUMNS = (
    Column(title="BUDGET NEAR ITS END", least=12),
    Column(title="UNIT"),
    Column(title="SPENT", align="right"),
    Column(title="OF", align="right"),
    Column(title="SHARE", align="right"),
    Column(title="RENEWED IN", align="right", rank=1),
)


def _budgets(budgets: "tuple[Budget, ...]", now: int, drawing: Drawing) -> Iterator[str]:
    if budgets:
        yield ""
        yield from drawing.table(_BUDGET_COLUMNS, (_budget(each, now) for each in budgets))


def _budget(each: "Budget", now: int) -> tuple[Cell, ...]:
    amount = money if each.unit == "money" else count
    is_gone = each.spent >= each.limit
    return (
        Cell(each.account),
        Cell(each.unit),
        Cell(amount(each.spent)),
        Cell(amount(each.limit)),
        Cell(
            share(min(each.spent, each.limit), each.limit) if each.limit else NONE,
            "bad" if is_gone else "warned",
        ),
        Cell(duration(max(0, each.resets_at - now))),
    )
