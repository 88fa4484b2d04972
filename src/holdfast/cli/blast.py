"""``holdfast blast``: what falls when something falls, and what is reached when it is taken over."""

from pathlib import Path
from typing import Literal

import click

from holdfast.cli.command import command, json_option, show
from holdfast.cli.progress import progress_of

_path = click.Path(path_type=Path, dir_okay=False)


@click.command("blast")
@click.argument("node")
@click.argument("file", type=_path, default="holdfast.yaml")
@click.option("--and", "others", multiple=True, help="Further nodes that fail at the same time.")
@click.option("--failure", is_flag=True, help="Only: what falls when it fails.")
@click.option(
    "--how", type=click.Choice(["stops", "hangs"]), default="stops", show_default=True,
    help="How it fails: it is gone, or it takes calls and never answers.",
)  # fmt: skip
@click.option("--compromise", is_flag=True, help="Only: what is reached when it is taken over.")
@click.option("--content", is_flag=True, help="Not the node is taken over, but what it gives.")
@click.option(
    "--k", "sets", type=click.IntRange(0, 6), default=0, metavar="N",
    help="Also the smallest sets of up to N faults that end each flow.",
)  # fmt: skip
@click.option("--contain", is_flag=True, help="Also the smallest containment of a takeover.")
@click.option("--keep", multiple=True, metavar="FLOW", help="A flow that containment keeps up.")
@click.option("--outage", type=float, metavar="SECONDS", help="How long it lasts. Default 3600.")
@click.option(
    "--evidence", multiple=True, metavar="KIND=PATH",
    help="What the network permits (workloads=) or what was seen (traces=, calls=).",
)  # fmt: skip
@click.option("--svg", type=_path, help="Draw it on the map, into this file.")
@json_option
@command
def blast(
    node: str,
    file: Path,
    *,
    others: tuple[str, ...],
    failure: bool,
    how: Literal["stops", "hangs"],
    compromise: bool,
    content: bool,
    sets: int,
    contain: bool,
    keep: tuple[str, ...],
    outage: float | None,
    evidence: tuple[str, ...],
    svg: Path | None,
    as_json: bool,
) -> None:
    """Say what falls when NODE of FILE fails, and what is reached when it is taken over.

    NODE may be a failure domain (zone:a, provider:acme) or a credential (credential:name).
    """
    from holdfast.app.consequences import Asked, consequences, draw_consequences
    from holdfast.cli.blast_reports import blast_text, blast_value

    both = failure is compromise
    domain = ":" in node and not node.startswith("credential:")
    asked = Asked(
        file=file,
        parts=(node, *others),
        failure=failure or both,
        how=how,
        takeover=compromise or content or contain or (both and not domain),
        content=content,
        sets=sets,
        contain=contain,
        keep=keep,
        outage_s=outage,
        evidence=evidence,
    )
    with progress_of("working out what falls", as_json=as_json):
        found = consequences(asked)
    if svg is not None:
        draw_consequences(found, svg)
    show(blast_value(found), blast_text(found), as_json=as_json)
