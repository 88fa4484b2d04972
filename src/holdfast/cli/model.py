"""``holdfast model``: whether a model's files may be admitted."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.command import command, json_option, show

if TYPE_CHECKING:
    from holdfast.app.models import CheckedModel


@click.group()
def model() -> None:
    """Judge the files of AI models; nothing of them is loaded or run."""


@model.command("check")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
@command
def model_check(path: Path, *, as_json: bool) -> None:
    """Say whether the model in the file or folder PATH may be admitted; exit 1 where it may not."""
    from holdfast.app.models import check_model

    checked = check_model(path)
    show(checked, _text(checked), as_json=as_json)
    if not checked.admitted:
        sys.exit(1)


def _text(checked: "CheckedModel") -> str:
    lines: list[str] = []
    for each in checked.files:
        verdict = each.verdict
        lines.append(
            f"{'admitted' if verdict.admitted else 'REFUSED '}  {verdict.format}  {each.name}"
        )
        lines += [f"    {verdict.why} [{verdict.code}]"] if verdict.code else []
        lines += [f"    mend: {verdict.fix}"] if verdict.fix else []
        lines += [f"    note: {note}" for note in verdict.notes]
    whole = "admitted" if checked.admitted else "not admitted"
    return "\n".join([*lines, f"{checked.path}: {whole}", checked.digest])
