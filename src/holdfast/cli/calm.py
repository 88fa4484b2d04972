"""``holdfast calm``: documents of FINOS CALM checked, made and compared."""

import json
import sys
from pathlib import Path

import click

from holdfast.cli.calm_reports import difference_text, report_text, timeline_text
from holdfast.cli.command import command, json_option, judging_command, show

__all__ = ["calm"]

_path = click.Path(path_type=Path, dir_okay=False)
_map = click.option(
    "--url-map",
    type=_path,
    help="A JSON file: which FILE stands for which URL. Nothing is ever fetched.",
)


@click.group()
def calm() -> None:
    """Read and check FINOS CALM documents; generate, compare, import and export them."""


@calm.command("validate")
@click.argument("file", type=_path)
@click.option(
    "--against",
    metavar="WHAT",
    help="core-1.2, pattern:FILE or schema:URL. Default: the document's own `$schema`.",
)
@click.option(
    "--kind",
    type=click.Choice(["architecture", "pattern", "timeline", "decorator"]),
    help="What the document is. Default: told by its members.",
)
@_map
@click.option("--strict", is_flag=True, help="Warnings and findings beyond the reference fail too.")
@json_option
@judging_command
def calm_validate(
    file: Path,
    *,
    against: str | None,
    kind: str | None,
    url_map: Path | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Judge the document FILE: lint, schema, controls and the architectures behind its nodes.

    Exit code 1 where it is not valid, 2 where it cannot be judged.
    """
    from holdfast.app.calm_documents import validate_file
    from holdfast.blueprint.calm import KINDS

    known = KINDS[[str(each) for each in KINDS].index(kind)] if kind else None
    report = validate_file(file, against=against, url_map=url_map, kind=known)
    report = report.strict() if strict else report
    show(report.as_json(), report_text(report, name=str(file)), as_json=as_json)
    if not report.is_valid or (strict and report.warnings):
        sys.exit(1)


@calm.command("generate")
@click.argument("pattern", type=_path)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="ID=CHOICE",
    help="What an option of the pattern becomes: a choice's description, or its number from 1.",
)
@click.option("--defaults", is_flag=True, help="Options left open take their first choice.")
@click.option("-o", "--output", type=_path, help="Where to write it. Default: print it.")
@_map
@json_option
@command
def calm_generate(
    pattern: Path,
    *,
    options: tuple[str, ...],
    defaults: bool,
    output: Path | None,
    url_map: Path | None,
    as_json: bool,
) -> None:
    """Make an architecture of PATTERN: its constants and defaults, `[[ NAME ]]` for the rest."""
    from holdfast.app.calm_documents import generate_file, write_document

    named: dict[str, list[str]] = {}
    for each in options:
        name, _, choice = each.partition("=")
        named.setdefault(name, []).append(choice)
    made = generate_file(pattern, options=named, first_otherwise=defaults, url_map=url_map)
    for url in made.missing:
        click.echo(f"unknown: {url}: placeholders stand where it is referred to", err=True)
    if output is not None:
        write_document(output, made.architecture)
    value = {"architecture": made.architecture, "missing": list(made.missing)}
    text = json.dumps(made.architecture, indent=2, ensure_ascii=False)
    show(value, f"wrote {output}" if output else text, as_json=as_json)


@calm.command("diff")
@click.argument("before", type=_path)
@click.argument("after", type=_path)
@click.option("--exit-code", is_flag=True, help="Exit with 1 where anything changed.")
@json_option
@judging_command
def calm_diff(before: Path, after: Path, *, exit_code: bool, as_json: bool) -> None:
    """What changed from BEFORE to AFTER, two architectures or two patterns."""
    from holdfast.app.calm_documents import compare_files

    difference = compare_files(before, after)
    show(difference.as_json, difference_text(difference), as_json=as_json)
    if exit_code and not difference.is_same:
        sys.exit(1)


@calm.command("timeline")
@click.argument("file", type=_path)
@click.option("--from", "before", metavar="MOMENT", help="Compare from this moment ...")
@click.option("--to", "after", metavar="MOMENT", help="... to this one. Default: all neighbours.")
@_map
@json_option
@command
def calm_timeline(
    file: Path, *, before: str | None, after: str | None, url_map: Path | None, as_json: bool
) -> None:
    """The moments of the timeline FILE in order, and what changed between them."""
    from holdfast.app.calm_documents import timeline_of_file

    if (before is None) != (after is None):
        raise click.UsageError("--from and --to go together")
    told = timeline_of_file(file, before=before, after=after, url_map=url_map)
    show(told.as_json(), timeline_text(told), as_json=as_json)
