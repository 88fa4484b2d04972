"""``holdfast review``: what an experienced architect would find in a blueprint."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.command import json_option, judging_command, show
from holdfast.cli.progress import progress_of

if TYPE_CHECKING:
    from holdfast.app.reviewing import Mended, Reviewed
    from holdfast.blueprint import Level

_FILE = click.Path(path_type=Path, dir_okay=False)
FORMATS = ("text", "json", "sarif", "markdown", "html")
FAIL_ON = ("advise", "warn", "block", "undecided")
_LEVEL_OF: dict[str, "Level"] = {
    "advise": "advise",
    "warn": "warn",
    "block": "block",
    "undecided": "block",
}


@click.command()
@click.argument("file", type=_FILE)
@click.option(
    "--evidence",
    "evidence",
    multiple=True,
    metavar="KIND=PATH",
    help="What was seen or proven: traces, calls, workloads, controls, components, changes, "
    "documents. May be given more than once.",
)
@click.option(
    "--pack", "packs", type=_FILE, multiple=True, help="The organisation's rule pack. Repeatable."
)
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Ask these rules only.")
@click.option(
    "--since", metavar="REV", help="Only what is new since this git revision fails the review."
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="block",
    show_default=True,
    help="From which level on a finding makes the exit code 1. `undecided`: as block, and also "
    "when a rule that blocks cannot be decided.",
)
@click.option("--all", "whole", is_flag=True, help="Show every finding in full.")
@click.option("--fix", is_flag=True, help="Show what the findings' patches change, as a diff.")
@click.option("--write", is_flag=True, help="With --fix: write it.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", help="Of what is printed."
)
@click.option("-o", "--output", type=_FILE, help="Write it into a file.")
@click.option(
    "--on",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day to judge expiry by. Default: today.",
)
@json_option
@judging_command
def review(
    file: Path,
    evidence: tuple[str, ...],
    packs: tuple[Path, ...],
    rules: tuple[str, ...],
    since: str | None,
    fail_on: str,
    form: str,
    output: Path | None,
    day: datetime | None,
    *,
    whole: bool,
    fix: bool,
    write: bool,
    as_json: bool,
) -> None:
    """Review the system that FILE declares: a blueprint, or an architecture of FINOS CALM.

    Exit code: 0 nothing at the level of --fail-on is broken, 1 something is, 2 the review could not
    be made.
    """
    from holdfast.app.evidence_files import split_word
    from holdfast.app.reviewing import Asked, mend, review_file, write_mended

    asked = Asked(
        file=file,
        packs=packs,
        evidence=[split_word(word) for word in evidence],
        only=rules,
        since=since,
        today=day.date() if day else None,
    )
    with progress_of("asking rules", as_json=as_json) as progress:
        reviewed = review_file(asked, progress=progress)
    if fix or write:
        mended = mend(reviewed)
        if write:
            write_mended(reviewed, mended)
        _show_mended(mended, written=write, as_json=as_json)
        return
    _show_report(reviewed, "json" if as_json else form, output=output, whole=whole)
    if reviewed.report.fails(_LEVEL_OF[fail_on], on_undecided=fail_on == "undecided"):
        sys.exit(1)


def _show_report(reviewed: "Reviewed", form: str, *, output: Path | None, whole: bool) -> None:
    from holdfast.app.reviewing import report_text

    text = report_text(reviewed, form, whole=whole)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", "utf-8")
        click.echo(f"wrote {output}")


def _show_mended(mended: "Mended", *, written: bool, as_json: bool) -> None:
    fix = mended.fix
    lines = [mended.difference.rstrip("\n")] if mended.difference else []
    lines += [f"to be filled in or decided: {note}" for note in fix.notes]
    lines += [
        f"left out: {each.finding.rule.id} at {each.finding.judgement.at}: {each.why}"
        for each in fix.left_out
    ]
    count = len(fix.made)
    noun = "finding" if count == 1 else "findings"
    lines.append(f"{'written: mends' if written else 'would mend'} {count} {noun}")
    value = {
        "written": written,
        "diff": mended.difference,
        "mends": [list(finding.key) for finding in fix.made],
        "left_out": [{"finding": each.finding.key, "why": each.why} for each in fix.left_out],
        "notes": fix.notes,
    }
    show(value, "\n".join(lines), as_json=as_json)
