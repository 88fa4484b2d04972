"""``holdfast prove``: properties of a declared system, for all cases or refuted by one."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from holdfast.cli.command import command, json_option, show
from holdfast.cli.progress import progress_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.app.proving import Property
    from holdfast.blueprint.proofs import Proof

_path = click.Path(path_type=Path, dir_okay=False)
REFUTED = 1
NOT_PROVEN = 3
EXAMPLE_LINES_MAX = 12


@click.command("prove")
@click.argument("file", type=_path, default="holdfast.yaml")
@click.option(
    "--property", "properties", multiple=True,
    type=click.Choice(["network", "policies", "guarded", "survives", "narrower"]),
    help="Only this. Default: all that have what they need.",
)  # fmt: skip
@click.option("--flow", "flows", multiple=True, help="survives: of this flow. Default: of all.")
@click.option(
    "--k", "faults", type=click.IntRange(1, 6), default=1, show_default=True,
    help="survives: how many failures at the same time.",
)  # fmt: skip
@click.option(
    "--manifests", multiple=True, type=click.Path(path_type=Path, exists=True),
    help="network: what the cluster enforces, as files or folders of manifests.",
)  # fmt: skip
@click.option(
    "--namespace",
    help="network: where the nodes run. Default: where most pods are labelled for nodes.",
)
@click.option("--direct", is_flag=True, help="network: nodes call each other, not by the gateway.")
@click.option("--old", type=_path, help="narrower: the bundle or blueprint to compare with.")
@json_option
@command
def prove(
    file: Path,
    *,
    properties: tuple[str, ...],
    flows: tuple[str, ...],
    faults: int,
    manifests: tuple[Path, ...],
    namespace: str | None,
    direct: bool,
    old: Path | None,
    as_json: bool,
) -> None:
    """Show properties of FILE for all cases, or refute them by one that was replayed.

    Exit code 0: all proved. 1: something is refuted. 3: nothing is refuted, but something could not
    be proven.
    """
    from holdfast.app import proving
    from holdfast.blueprint.proofs import Outcome, summed

    asked = proving.ToProve(
        file=file,
        properties=cast("tuple[Property, ...]", properties),
        flows=flows,
        faults=faults,
        manifests=manifests,
        namespace=namespace,
        direct=direct,
        old=old,
    )
    with progress_of("proving", as_json=as_json) as progress:
        found = proving.prove(asked, progress=progress)
    show({"proofs": found, "outcome": summed(found)}, _text(found), as_json=as_json)
    match summed(found):
        case Outcome.REFUTED:
            sys.exit(REFUTED)
        case Outcome.NOT_PROVEN:
            sys.exit(NOT_PROVEN)
        case Outcome.PROVED:
            pass


def _text(found: "Sequence[Proof]") -> str:
    lines: list[str] = []
    for proof in found:
        lines.append(f"{proof.outcome.upper():<10} {proof.claim}")
        lines.append(f"           by {proof.how}: {proof.what} ({proof.size or 'no size'})")
        for number, step in enumerate(proof.example[:EXAMPLE_LINES_MAX], 1):
            lines.append(f"           {number}. {step}")
        more = len(proof.example) - EXAMPLE_LINES_MAX
        if more > 0:
            lines.append(f"           and {more} more")
    return "\n".join(lines) if lines else "there was nothing to prove: no flows, no sinks"
