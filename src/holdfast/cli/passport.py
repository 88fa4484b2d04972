"""``holdfast passport``: the registry's records of agents."""

from pathlib import Path

import click

from holdfast.cli.command import command, data_option, json_option, show

_FILE = click.Path(path_type=Path, dir_okay=False)
_reason = click.option("--reason", default="", help="Why; stands in the log.")


@click.group()
def passport() -> None:
    """Make, show, suspend and revoke the passports of agents."""


@passport.command("create")
@click.argument("agent")
@click.option("--file", type=_FILE, help="The passport as YAML or JSON; options override it.")
@click.option("--owner", help="Who owns the agent (user:...). Default: you.")
@click.option("--org", help="The organisation that answers for it.")
@click.option("--contact", help="How to reach that organisation.")
@click.option("--legal-id", help="Its number in a public register.")
@click.option("--tier", type=click.IntRange(0, 4), help="Risk tier, 0 (none) to 4 (highest).")
@click.option("--model", help="The AI model it is built on.")
@click.option("--model-digest", help="Digest of the model's signed files (sha256:...).")
@click.option(
    "--model-files",
    type=click.Path(path_type=Path),
    help="Its file or folder: refused if not admitted; the digest is taken.",
)
@click.option("--prompt", type=_FILE, help="The system prompt; its digest is taken.")
@click.option("--tools", type=_FILE, help="List of {server, name, descriptor_sha256}.")
@click.option("--policy-bundle", help="Digest of its policy bundle (sha256:...).")
@click.option("--image", help="Digest of its image (sha256:...).")
@click.option("--max-mandate", type=_FILE, help="List of authorities it may hold at the most.")
@click.option("--replace", is_flag=True, help="Make the next version of the passport it has.")
@data_option
@json_option
@command
def passport_create(
    agent: str,
    file: Path | None,
    *,
    replace: bool,
    data: Path | None,
    as_json: bool,
    **options: str | int | Path | None,
) -> None:
    """Make a passport for the node AGENT, signed and logged."""
    import msgspec

    from holdfast.app.instances import find_data
    from holdfast.app.passports import Parts, create_passport

    parts = msgspec.convert(options, Parts)
    made = create_passport(find_data(data), agent, file=file, parts=parts, replace=replace)
    show(made, _text(made), as_json=as_json)


@passport.command("show")
@click.argument("agent")
@data_option
@json_option
@command
def passport_show(agent: str, *, data: Path | None, as_json: bool) -> None:
    """Show the passport of the node AGENT and its versions, each verified."""
    from holdfast.app.instances import find_data
    from holdfast.app.passports import show_passport
    from holdfast.app.wording import passport_text

    found = show_passport(find_data(data), agent)
    show(found, passport_text(found), as_json=as_json)


@passport.command("list")
@data_option
@json_option
@command
def passport_list(*, data: Path | None, as_json: bool) -> None:
    """List passports: of whom, in which state, of which tier."""
    from holdfast.app.instances import find_data
    from holdfast.app.passports import list_passports
    from holdfast.app.wording import passport_table

    found = list_passports(find_data(data))
    show({"passports": found}, passport_table(found), as_json=as_json)


@passport.command("suspend")
@click.argument("agent")
@_reason
@data_option
@json_option
@command
def passport_suspend(agent: str, reason: str, *, data: Path | None, as_json: bool) -> None:
    """Let the node AGENT do nothing until it is resumed, on every worker at once."""
    from holdfast.app.instances import find_data
    from holdfast.app.passports import step_passport

    done = step_passport(find_data(data), agent, "suspend", reason=reason)
    show(done, _text(done), as_json=as_json)


@passport.command("resume")
@click.argument("agent")
@_reason
@data_option
@json_option
@command
def passport_resume(agent: str, reason: str, *, data: Path | None, as_json: bool) -> None:
    """End the suspension of the node AGENT."""
    from holdfast.app.instances import find_data
    from holdfast.app.passports import step_passport

    done = step_passport(find_data(data), agent, "resume", reason=reason)
    show(done, _text(done), as_json=as_json)


@passport.command("revoke")
@click.argument("agent")
@_reason
@data_option
@json_option
@command
def passport_revoke(agent: str, reason: str, *, data: Path | None, as_json: bool) -> None:
    """Revoke the passport of the node AGENT for good; nothing brings it back."""
    from holdfast.app.instances import find_data
    from holdfast.app.passports import step_passport

    done = step_passport(find_data(data), agent, "revoke", reason=reason)
    show(done, _text(done), as_json=as_json)


def _text(done: object) -> str:
    from holdfast.app.passports import Changed

    assert isinstance(done, Changed)
    return (
        f"passport {done.seq} of {done.sub} is {done.status}. {done.in_force}\n"
        f"build  {done.build}\nchange {done.change}"
    )
