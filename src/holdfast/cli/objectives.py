"""``holdfast objectives``: what calls are held to, and how that stands."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.command import data_option, json_option, judging_command, show
from holdfast.cli.drawing import Drawing
from holdfast.cli.quantities import NONE, duration
from holdfast.cli.tables import Cell, Column

if TYPE_CHECKING:
    from holdfast.app.objectives_told import ObjectivesTold
    from holdfast.cli.colours import Tone
    from holdfast.telemetry.objectives import ObjectiveTold

_COLUMNS = (
    Column(title="OBJECTIVE", least=16),
    Column(title="STATE"),
    Column(title="TARGET", least=10, rank=2),
    Column(title="NOW", align="right"),
    Column(title="LEFT", align="right"),
    Column(title="BURN 1 H", align="right", rank=1),
    Column(title="DAYS", align="right", rank=4),
    Column(title="COUNTED", align="right", rank=3),
)
_TONES: "dict[str, Tone]" = {
    "no-data": "dim",
    "holds": "good",
    "burning-slow": "warned",
    "burning-fast": "bad",
    "spent": "bad",
}
_HOUR_MIN = "60"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@data_option
@click.option("--check", is_flag=True, help="Exit with 1 when a budget is spent.")
@json_option
@judging_command
def objectives(*, file: Path | None, data: Path | None, check: bool, as_json: bool) -> None:
    """Tell how the objectives of the blueprint FILE stand: budget left, and how fast it burns.

    Counted from the history of the data directory; an instance may run on it or not. Exit code with
    --check: 0 no budget is spent, 1 one is, 2 that could not be found out.
    """
    from holdfast.app.objectives_told import tell_objectives

    found = tell_objectives(file, data)
    if as_json:
        show(found, "", as_json=True)
    else:
        drawing = Drawing.on(sys.stdout)
        drawing.print(objective_lines(found, drawing))
    if check and found.is_spent:
        sys.exit(1)


def objective_lines(found: "ObjectivesTold", drawing: Drawing) -> Iterator[str]:
    """The table, and below it what is too little to judge by."""
    if not found.objectives:
        yield "the blueprint has no objectives: write `objectives: {availability: 99.9%}` somewhere"
        return
    yield from drawing.table(_COLUMNS, map(_row, found.objectives))
    few = sum(each.few and each.counted > 0 for each in found.objectives)
    if few:
        yield f"{few} counted too few calls to be judged"


def _row(each: "ObjectiveTold") -> tuple[Cell, ...]:
    burn = each.burn.get(_HOUR_MIN)
    return (
        Cell(each.id),
        Cell(each.state, _TONES[each.state]),
        Cell(_target(each)),
        Cell(_now(each)),
        Cell(NONE if each.left is None else f"{each.left * 100:,.0f} %"),
        Cell(NONE if burn is None else f"{burn:,.1f}x"),
        Cell(str(each.days)),
        Cell(f"{each.counted:,}"),
    )


def _target(each: "ObjectiveTold") -> str:
    if each.kind == "cost":
        return f"{each.target:,.2f} per {each.per}"
    share = f"{each.target * 100:.4f}".rstrip("0").rstrip(".") + " %"
    match each.kind:
        case "first_token" | "duration":
            return f"{share} within {duration(each.limit)}"
        case "tokens_per_s":
            return f"{share} at {each.limit:g} tokens/s"
        case _:
            return share


def _now(each: "ObjectiveTold") -> str:
    if each.now is None:
        return NONE
    if each.kind == "cost":
        return f"{each.now:,.2f}"
    return f"{min(each.now * 100, 99.999):.3f} %" if each.used else "100 %"
