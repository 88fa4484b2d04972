"""``holdfast tools``: what servers offer, and what of it may be used."""

from pathlib import Path
from typing import Literal, TypeAlias

import click

from holdfast.cli.command import command, data_option, json_option, show

_Kind: TypeAlias = Literal["tool", "resource", "template", "prompt"]
_State: TypeAlias = Literal["proposed", "approved", "quarantined", "rejected"]

_kind = click.option(
    "--kind",
    type=click.Choice(["tool", "resource", "template", "prompt"]),
    default="tool",
    show_default=True,
    help="What NAME names.",
)
_digest = click.option("--digest", help="Which description: 8 digits of its digest or more.")
_reason = click.option("--reason", required=True, help="Why; stands in the log.")


@click.group()
def tools() -> None:
    """List, read, compare, approve and reject what MCP servers offer."""


@tools.command("list")
@click.option("--server", help="Only of this node.")
@click.option(
    "--state",
    type=click.Choice(["proposed", "approved", "quarantined", "rejected"]),
    help="Only in this state.",
)
@data_option
@json_option
@command
def tools_list(
    server: str | None, state: _State | None, *, data: Path | None, as_json: bool
) -> None:
    """List what servers have shown, and what was decided about it."""
    from holdfast.app.instances import find_data
    from holdfast.app.tool_wording import pin_table
    from holdfast.app.tools import list_pins

    found = list_pins(find_data(data), server=server, state=state)
    show({"tools": found}, pin_table(found), as_json=as_json)


@tools.command("show")
@click.argument("server")
@click.argument("name")
@_kind
@data_option
@json_option
@command
def tools_show(server: str, name: str, kind: _Kind, *, data: Path | None, as_json: bool) -> None:
    """Show every description of the tool NAME of SERVER, whole, with what is suspicious in it."""
    from holdfast.app.instances import find_data
    from holdfast.app.tool_wording import shown_text
    from holdfast.app.tools import show_pins

    found = show_pins(find_data(data), server, name, kind=kind)
    show({"descriptions": found}, shown_text(found), as_json=as_json)


@tools.command("diff")
@click.argument("server")
@click.argument("name")
@_kind
@data_option
@json_option
@command
def tools_diff(server: str, name: str, kind: _Kind, *, data: Path | None, as_json: bool) -> None:
    """Tell what the newest description says otherwise than the approved one."""
    from holdfast.app.instances import find_data
    from holdfast.app.tool_wording import difference_text
    from holdfast.app.tools import diff_pins

    found = diff_pins(find_data(data), server, name, kind=kind)
    show({"differences": found}, difference_text(found), as_json=as_json)


@tools.command("approve")
@click.argument("server")
@click.argument("name", required=False)
@_kind
@_digest
@click.option("--all", "whole", is_flag=True, help="Everything of SERVER that is proposed.")
@_reason
@data_option
@json_option
@command
def tools_approve(
    server: str,
    name: str | None,
    kind: _Kind,
    digest: str | None,
    reason: str,
    *,
    whole: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Let the tool NAME of SERVER be used as it is described now, and not otherwise."""
    from holdfast.app.instances import find_data
    from holdfast.app.tool_wording import decided_text
    from holdfast.app.tools import approve_pin, approve_proposed

    if whole == (name is not None):
        raise click.UsageError("give a NAME, or --all")
    found = find_data(data)
    if name is None:
        done = approve_proposed(found, server, reason=reason)
    else:
        done = approve_pin(found, server, name, kind=kind, digest=digest, reason=reason)
    show(done, decided_text(done), as_json=as_json)


@tools.command("reject")
@click.argument("server")
@click.argument("name")
@_kind
@_digest
@_reason
@data_option
@json_option
@command
def tools_reject(
    server: str,
    name: str,
    kind: _Kind,
    digest: str | None,
    reason: str,
    *,
    data: Path | None,
    as_json: bool,
) -> None:
    """Do not let the tool NAME of SERVER be used, on any worker when this returns."""
    from holdfast.app.instances import find_data
    from holdfast.app.tool_wording import decided_text
    from holdfast.app.tools import reject_pin

    done = reject_pin(find_data(data), server, name, kind=kind, digest=digest, reason=reason)
    show(done, decided_text(done), as_json=as_json)
