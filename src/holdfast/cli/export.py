"""``holdfast export``: the blueprint as files of other tools."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.command import command, json_option, show
from holdfast.cli.progress import progress_of

if TYPE_CHECKING:
    from holdfast.blueprint.kubernetes import Comparison, Difference, Exported, Flavour

_path = click.Path(path_type=Path, dir_okay=False)
UNDECIDED = 2
SHOWN_MAX = 40


@click.group()
def export() -> None:
    """Write the blueprint as files of other tools, and compare them with it."""


@export.command("kubernetes")
@click.argument("file", type=_path)
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="A folder.")
@click.option("--namespace", help="Where the nodes run. Default: the system's name.")
@click.option(
    "--flavour",
    type=click.Choice(["networkpolicy", "cilium", "gateway", "all"]),
    default="networkpolicy",
    show_default=True,
    help="Which kind of manifests.",
)
@click.option("--direct", is_flag=True, help="Nodes call each other, not by the gateway.")
@click.option("--gateway-namespace", help="Where Holdfast runs. Default: as --namespace.")
@click.option(
    "--gateway-port", type=click.IntRange(1, 65535), default=8080, show_default=True,
    help="The port of Holdfast's pods.",
)  # fmt: skip
@click.option(
    "--entrance",
    default="gateway-system",
    show_default=True,
    help="The namespace that calls from outside come from.",
)
@click.option(
    "--check",
    "manifests",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help="Compare these manifests (a file or a folder) with the blueprint instead.",
)
@json_option
@command
def export_kubernetes(
    file: Path,
    *,
    output: Path | None,
    namespace: str | None,
    flavour: str,
    direct: bool,
    gateway_namespace: str | None,
    gateway_port: int,
    entrance: str,
    manifests: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Write policies that permit what the blueprint FILE declares, and nothing else.

    With --check, tell what given manifests permit that is not declared, and what is declared that
    they do not permit. Exit code 0: neither; 1: some; 2: some policies cannot be judged.
    """
    from holdfast.app.clusters import comparison_of, export_of, load_system
    from holdfast.blueprint.kubernetes import FLAVOURS, Cluster, cluster_of

    system = load_system(file)
    usual = cluster_of(system.blueprint, namespace=namespace)
    cluster = Cluster(
        namespace=usual.namespace,
        gateway_namespace=gateway_namespace or usual.gateway_namespace,
        entrance=entrance,
        gateway_port=gateway_port,
        direct=direct,
    )
    if manifests:
        is_given = namespace is not None or gateway_namespace is not None
        with progress_of("comparing manifests", as_json=as_json):
            found = comparison_of(system, cluster, manifests=manifests, is_given=is_given)
        _compared(found, as_json=as_json)
        return
    named: tuple[Flavour, ...] = tuple(each for each in FLAVOURS if each.startswith(flavour))
    with progress_of("making manifests", as_json=as_json):
        exported = export_of(system, cluster, flavours=named or FLAVOURS)
    _exported(exported, output, as_json=as_json)


def _exported(exported: "Exported", output: Path | None, *, as_json: bool) -> None:
    from holdfast.app.clusters import write_exported

    if output is not None:
        written = write_exported(exported, output)
        said = [*(f"wrote {path}" for path in written), *(f"note: {n}" for n in exported.notes)]
        value = {"written": [str(path) for path in written], "notes": exported.notes}
        show(value, "\n".join(said), as_json=as_json)
        return
    show(
        {"files": exported.files, "notes": exported.notes},
        "---\n".join(exported.files.values()).rstrip("\n"),
        as_json=as_json,
    )
    if not as_json:
        for note in exported.notes:
            click.echo(f"note: {note}", err=True)


def _compared(found: "Comparison", *, as_json: bool) -> None:
    value = {
        "holds": found.holds,
        "excess": [_row(each) for each in found.excess],
        "lack": [_row(each) for each in found.lack],
        "unjudged": [item.title for item in found.unjudged],
        "unknown": [found.workloads[number] for number in found.binding.unknown],
        "ambiguous": {
            found.workloads[number]: nodes for number, nodes in found.binding.ambiguous.items()
        },
        "unrealised": found.binding.unrealised,
        "notes": found.notes,
    }
    show(value, _comparison_text(found), as_json=as_json)
    if found.excess or found.lack:
        sys.exit(1)
    if found.unjudged:
        sys.exit(UNDECIDED)


def _row(each: "Difference") -> dict[str, object]:
    return {
        "source": each.source,
        "destination": each.destination,
        "ports": str(each.ports),
        "example": each.example,
        "because": each.because,
    }


def _comparison_text(found: "Comparison") -> str:
    lines = [
        *_part("permitted and not declared", found.excess),
        *_part("declared and not permitted", found.lack),
    ]
    if found.unjudged:
        lines.append("not judged: these restrict or open the network in ways not evaluated here")
        lines += [f"  {item.title} ({item.file}:{item.line})" for item in found.unjudged]
    for number in found.binding.unknown:
        lines.append(f"no node declares the workload {found.workloads[number]}")
    for number, nodes in found.binding.ambiguous.items():
        lines.append(f"several nodes claim {found.workloads[number]}: {', '.join(nodes)}")
    if found.binding.unrealised:
        names = ", ".join(found.binding.unrealised)
        lines.append(f"judged by their labels, for no workload realises them: {names}")
    lines += [f"note: {note}" for note in found.notes]
    return "\n".join(lines)


def _part(title: str, differences: "tuple[Difference, ...]") -> list[str]:
    if not differences:
        return [f"{title}: nothing"]
    lines = [f"{title}: {len(differences)}"]
    for each in differences[:SHOWN_MAX]:
        lines.append(f"  {each.source} -> {each.destination}: {each.ports}")
        lines.append(f"    for example {each.example}")
        lines.append(f"    because of {'; '.join(each.because)}")
    if len(differences) > SHOWN_MAX:
        lines.append(f"  and {len(differences) - SHOWN_MAX} more (--json has them)")
    return lines
