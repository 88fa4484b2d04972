"""``holdfast policy``: what policies say, and what they are held against."""

from pathlib import Path

import click

from holdfast.cli.command import command, json_option, show


@click.group()
def policy() -> None:
    """Look at the policy that the blueprint implies."""


@policy.command("schema")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@command
def policy_schema(file: Path, *, as_json: bool) -> None:
    """Print the Cedar schema that the policies of the blueprint FILE are checked against."""
    from holdfast.app.files import load_blueprint

    loaded = load_blueprint(file)
    text = loaded.policy.schema_text
    show({"schema": text, "digest": loaded.policy.digest}, text, as_json=as_json)
