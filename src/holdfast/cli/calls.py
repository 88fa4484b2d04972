"""``holdfast calls``: ended calls, listed, searched and followed."""

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from holdfast.cli.colours import OUTCOME_TONES
from holdfast.cli.command import command, data_option, json_option, show
from holdfast.cli.completing import Callee, Caller, Relationship
from holdfast.cli.drawing import Drawing
from holdfast.cli.instants import WHEN, local_day, local_time
from holdfast.cli.quantities import NONE, count, duration, money
from holdfast.cli.tables import Cell, Column

if TYPE_CHECKING:
    from holdfast.app.datadir import DataDir
    from holdfast.history import Call, CallQuery

LOOK_S = 0.5
"""How often new calls are looked for; the log takes them in once a second."""
OUTCOMES = ("answered", "refused", "failed", "cancelled")


@click.command()
@click.option("--caller", type=Caller(), help="The node that called.")
@click.option("--callee", type=Callee(), help="The node that was called.")
@click.option("--relationship", type=Relationship(), help="The declared relationship.")
@click.option("--principal", metavar="SPIFFE_ID", help="Who called, in full.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="What came of them.")
@click.option(
    "--rule", metavar="CODE", help="What refused or failed them: relationship.undeclared."
)
@click.option("--tool", metavar="NAME", help="The tool of an MCP server.")
@click.option("--trace", metavar="ID", help="The trace: 32 hexadecimal digits.")
@click.option("--session", metavar="ID", help="The conversation that the caller named.")
@click.option("--since", type=WHEN, help="From then on: 10m, 2h, 3d ago, or 2026-11-21T08:30Z.")
@click.option("--until", type=WHEN, help="Before then; in the same forms.")
@click.option("--before", metavar="CALL", help="Older than this call: the next page.")
@click.option(
    "--limit",
    type=click.IntRange(1, 500),
    default=50,
    show_default=True,
    help="How many.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on with new calls as they end.")
@data_option
@json_option
@command
def calls(*, follow: bool, data: Path | None, as_json: bool, **asked: Any) -> None:
    """List calls that have ended, the newest last; every option given must hold.

    With --follow those that end from now on come after them, until Ctrl-C. With --json each call is
    a line of its own then, else one list.
    """
    from holdfast.app.call_search import search
    from holdfast.app.instances import find_data
    from holdfast.history import CallQuery

    place, query = find_data(data), CallQuery(**asked)
    if follow:
        _follow(place, query, as_json=as_json)
        return
    found = search(place, query)
    if as_json:
        show({"calls": found}, "", as_json=True)
        return
    drawing = Drawing.on(sys.stdout)
    if not found:
        click.echo("no such calls")
        return
    drawing.print(drawing.table(_COLUMNS, map(_cells, reversed(found))))
    if len(found) == query.limit:
        click.echo(f"older ones: --before {found[-1].call}", err=True)


def _follow(place: "DataDir", query: "CallQuery", *, as_json: bool) -> None:
    """First the newest of the past (where there is a history), then whatever ends."""
    from holdfast.app.call_search import follow, search
    from holdfast.history import HistoryError

    looks = follow(place, query)
    next(looks)  # from now on: what ends during the search is not missed
    try:
        past = search(place, query)
    except HistoryError:
        past = ()
    shown = {call.call for call in past}
    _tell(tuple(reversed(past)), as_json=as_json, is_first=True)
    for found in looks:
        _tell([call for call in found if call.call not in shown], as_json=as_json)
        if not found:
            shown.clear()
            time.sleep(LOOK_S)


def _tell(found: "Iterable[Call]", *, as_json: bool, is_first: bool = False) -> None:
    if as_json:
        for call in found:
            click.echo(msgspec.json.encode(call).decode())
        sys.stdout.flush()
        return
    rows = [_cells(call) for call in found]
    if not rows and not is_first:
        return
    drawing = Drawing.on(sys.stdout)
    lines = drawing.table(_COLUMNS, rows)
    drawing.print(lines if is_first else lines[1:])


_COLUMNS = (
    Column(title="TIME"),
    Column(title="OUTCOME", room=9),
    Column(title="CALLER → CALLEE", least=16, room=24),
    Column(title="RULE", least=8, rank=2, room=20),
    Column(title="DURATION", align="right", room=9),
    Column(title="TOKENS", align="right", rank=3, room=11),
    Column(title="COST", align="right", rank=4, room=9),
    Column(title="CALL", rank=1),
)


def _cells(call: "Call") -> tuple[Cell, ...]:
    callee = f"{call.callee or NONE}/{call.tool}" if call.tool else call.callee or NONE
    tokens = None
    if call.tokens_in is not None or call.tokens_out is not None:
        tokens = f"{count(call.tokens_in or 0)}+{count(call.tokens_out or 0)}"
    return (
        Cell(f"{local_day(call.at)} {local_time(call.at)}", "dim"),
        Cell(call.outcome, OUTCOME_TONES.get(call.outcome, "plain")),
        Cell(f"{call.caller or NONE} → {callee}"),
        Cell(call.rule or ""),
        Cell(duration(call.duration_us)),
        Cell(tokens or NONE),
        Cell(money(call.cost)),
        Cell(call.call, "dim"),
    )
