"""``holdfast infra``: infrastructure as code, held against the blueprint."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.command import command, json_option, show

if TYPE_CHECKING:
    from holdfast.blueprint.infrastructure import InfraFinding, InfraReport

_path = click.Path(path_type=Path, exists=True)
UNDECIDED = 2


@click.group()
def infra() -> None:
    """Judge infrastructure as code."""


@infra.command("check")
@click.argument("files", type=_path, nargs=-1, required=True)
@click.option(
    "--blueprint",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="What it must fit.",
)
@click.option(
    "--modules",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The list of approved modules. Default: nothing is asked of modules.",
)
@click.option(
    "--namespace", help="Where the nodes run. Default: where most pods are labelled for nodes."
)
@json_option
@command
def infra_check(
    files: tuple[Path, ...],
    *,
    blueprint: Path,
    modules: Path | None,
    namespace: str | None,
    as_json: bool,
) -> None:
    """Judge plans (`terraform show -json`) and Kubernetes manifests: FILES or folders of them.

    Exit code 0: every rule holds; 1: some are broken; 2: none is, and some cannot be decided.
    """
    from holdfast.app.infrastructure import check_files
    from holdfast.blueprint.review import Verdict

    report = check_files(files, blueprint=blueprint, modules=modules, namespace=namespace)
    broken, undecided = report.of(Verdict.BROKEN), report.of(Verdict.UNDECIDED)
    value = {
        "broken": [_row(each) for each in broken],
        "undecided": [_row(each) for each in undecided],
        "holds": len(report.of(Verdict.HOLDS)),
        "not_judged": report.not_judged,
        "bound": report.bound,
    }
    show(value, _text(report, broken, undecided), as_json=as_json)
    if broken:
        sys.exit(1)
    if undecided:
        sys.exit(UNDECIDED)


def _row(each: "InfraFinding") -> dict[str, object]:
    return {
        "rule": each.rule,
        "severity": each.severity,
        "at": each.at,
        "node": each.node,
        "what": each.what,
        "fix": each.fix,
        "missing": each.missing,
    }


def _text(
    report: "InfraReport",
    broken: "tuple[InfraFinding, ...]",
    undecided: "tuple[InfraFinding, ...]",
) -> str:
    from holdfast.blueprint.infrastructure import RULES
    from holdfast.blueprint.review import Verdict

    lines: list[str] = []
    for rule, (severity, title) in RULES.items():
        mine = [each for each in (*broken, *undecided) if each.rule == rule]
        if mine:
            lines.append(f"{rule} ({severity}) {title}")
        for each in mine:
            lines.append(f"  {each.verdict}: {each.at}: {each.what}")
            lines.append(f"    {each.fix or 'missing: ' + ', '.join(each.missing)}")
    if report.not_judged:
        kinds = ", ".join(f"{kind} {count}" for kind, count in report.not_judged.items())
        lines.append(f"not judged, for nothing is known of their kind: {kinds}")
    lines.append(
        f"{len(broken)} broken, {len(undecided)} undecided, {len(report.of(Verdict.HOLDS))} hold"
    )
    return "\n".join(lines)
