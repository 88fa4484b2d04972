"""``holdfast top``: the relationships at work, live."""

import contextlib
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from holdfast.cli.command import command, data_option, json_option
from holdfast.cli.drawing import Drawing
from holdfast.cli.quantities import count, duration, money, rate, share
from holdfast.cli.tables import Cell, Column

if TYPE_CHECKING:
    from holdfast.app.datadir import DataDir
    from holdfast.app.picture import Picture
    from holdfast.cli.rates import Row

WINDOW_S = 10.0
"""What a line is told over: records reach the log once a second, so less would jump."""
ONCE_S = 2.0


@click.command()
@click.option("--once", is_flag=True, help="Look for two seconds, print one table, and end.")
@click.option(
    "--every",
    type=click.FloatRange(0.2, 60),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
@data_option
@json_option
@command
def top(*, once: bool, every: float, data: Path | None, as_json: bool) -> None:
    """Watch the relationships at work: rate, failures, 95th percentile, tokens, cost.

    On a terminal the screen is drawn anew every second until q or Ctrl-C; elsewhere a table is
    printed each time. What is told is of the last ten seconds.
    """
    from holdfast.app.instances import find_data

    place = find_data(data)
    if once:
        _tell(place, deque(), as_json=as_json, wait_s=ONCE_S)
    elif as_json or not (sys.stdout.isatty() and sys.stdin.isatty()):
        _repeat(place, every, as_json=as_json)
    else:
        _watch(place, every)


def _repeat(place: "DataDir", every: float, *, as_json: bool) -> None:
    pictures: deque[Picture] = deque()
    while True:
        _tell(place, pictures, as_json=as_json, wait_s=every)


def _tell(place: "DataDir", pictures: "deque[Picture]", *, as_json: bool, wait_s: float) -> None:
    from holdfast.cli.rates import rows_of

    if not pictures:
        _look(place, pictures)
    time.sleep(wait_s)
    _look(place, pictures)
    if as_json:
        value = {"at": pictures[-1].live.at, "rows": rows_of(pictures[0], pictures[-1])}
        click.echo(msgspec.json.encode(value).decode())
        sys.stdout.flush()
    else:
        drawing = Drawing.on(sys.stdout)
        drawing.print([*screen_lines(pictures[0], pictures[-1], drawing), ""])


def _watch(place: "DataDir", every: float) -> None:
    from holdfast.cli.screen import whole_screen

    pictures: deque[Picture] = deque()
    _look(place, pictures)
    due = time.monotonic() + every
    with contextlib.suppress(KeyboardInterrupt), whole_screen() as screen:
        while True:
            screen.draw(list(screen_lines(pictures[0], pictures[-1], Drawing.on(sys.stdout))))
            if not screen.wait(max(0.0, due - time.monotonic())):
                return
            if time.monotonic() >= due:  # else it was the terminal's size
                _look(place, pictures)
                due = time.monotonic() + every


def _look(place: "DataDir", pictures: "deque[Picture]") -> None:
    """One more picture; those from before the window go, but for one to compare with."""
    from holdfast.app.picture import picture_of

    pictures.append(picture_of(place))
    now = pictures[-1].live.at
    while len(pictures) > 2 and now - pictures[1].live.at >= WINDOW_S * 1_000_000:
        pictures.popleft()


_COLUMNS = (
    Column(title="RELATIONSHIP", least=12),
    Column(title="NOW", align="right"),
    Column(title="CALLS", align="right"),
    Column(title="FAILED", align="right"),
    Column(title="REFUSED", align="right", rank=1),
    Column(title="P95", align="right", rank=2),
    Column(title="TOKENS", align="right", rank=3),
    Column(title="COST/H", align="right", rank=4),
)


def screen_lines(before: "Picture", now: "Picture", drawing: Drawing) -> Iterator[str]:
    """The whole screen."""
    from holdfast.cli.rates import rows_of

    paint, live = drawing.paint, now.live
    rows = rows_of(before, now)
    if now.trouble is None:
        yield f"{paint(drawing.plain(now.system), 'head')}  {paint('ready', 'good')}"
    else:
        yield paint(drawing.line(f"{now.system}  not ready: {now.trouble}"), "bad")
    yield drawing.line(_summary(before, now, sum(row.calls for row in rows)))
    ill = [f"{each.upstream} {each.state}" for each in live.upstreams if each.state != "up"]
    if ill:
        yield paint(drawing.line(f"not up: {', '.join(ill)}"), "warned")
    yield ""
    if rows:
        yield from drawing.table(_COLUMNS, map(_cells, rows))
    else:
        yield paint("no calls yet", "dim")


def _summary(before: "Picture", now: "Picture", calls: int) -> str:
    window_s = (now.live.at - before.live.at) / 1_000_000
    busy = f"{len(now.live.in_flight)} under way"
    if before is now:
        return f"{busy}; rates come with the next look"
    return f"{busy}, {rate(calls / window_s)} over the last {duration(window_s * 1e6)}"


def _cells(row: "Row") -> tuple[Cell, ...]:
    name = {"_none": "(refused before any)", "_other": "(others)"}
    p95 = duration(row.p95_us)
    return (
        Cell(name.get(row.relationship, row.relationship)),
        Cell(str(row.in_flight)),
        Cell(rate(row.calls / row.window_s)),
        Cell(_part(row.failed, row.calls), "bad" if row.failed else "plain"),
        Cell(_part(row.refused, row.calls), "warned" if row.refused else "plain"),
        Cell(f"> {p95}" if row.is_beyond else p95),
        Cell(f"{count(row.tokens / row.window_s)}/s"),
        Cell(money(round(row.cost / row.window_s * 3_600))),
    )


def _part(some: int, calls: int) -> str:
    return share(some, calls) if calls else "0 %"
