"""``holdfast approvals``: calls that wait for a person, and the person's word."""

from pathlib import Path

import click

from holdfast.cli.command import command, data_option, json_option, show

_reason = click.option("--reason", required=True, help="Why; stands in the log.")


@click.group()
def approvals() -> None:
    """List, read, approve and deny the calls that policy holds for a person."""


@approvals.command("list")
@data_option
@json_option
@command
def approvals_list(*, data: Path | None, as_json: bool) -> None:
    """List the calls that wait, oldest first: who asks for what, and for how long still."""
    from holdfast.app.deciding import questions_text, waiting
    from holdfast.app.instances import find_data

    found = waiting(find_data(data))
    show({"approvals": found}, questions_text(found), as_json=as_json)


@approvals.command("show")
@click.argument("call")
@data_option
@json_option
@command
def approvals_show(call: str, *, data: Path | None, as_json: bool) -> None:
    """Show all that is known of CALL: on whose behalf, why it waits, and what would be sent."""
    from holdfast.app.deciding import question_text, show_question
    from holdfast.app.instances import find_data

    found = show_question(find_data(data), call)
    show(found, question_text(found), as_json=as_json)


@approvals.command("approve")
@click.argument("call")
@_reason
@data_option
@json_option
@command
def approvals_approve(call: str, reason: str, *, data: Path | None, as_json: bool) -> None:
    """Let CALL go on, as whoever is logged in here."""
    _decide(call, reason, data=data, as_json=as_json, is_yes=True)


@approvals.command("deny")
@click.argument("call")
@_reason
@data_option
@json_option
@command
def approvals_deny(call: str, reason: str, *, data: Path | None, as_json: bool) -> None:
    """Refuse CALL, as whoever is logged in here."""
    _decide(call, reason, data=data, as_json=as_json, is_yes=False)


def _decide(call: str, reason: str, *, data: Path | None, as_json: bool, is_yes: bool) -> None:
    from holdfast.app.deciding import decide, decided_text
    from holdfast.app.instances import find_data

    done = decide(find_data(data), call, is_yes=is_yes, reason=reason)
    show(done, decided_text(done), as_json=as_json)
