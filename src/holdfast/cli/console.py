"""``holdfast console``: sign-in links, sessions, tokens of programs."""

from pathlib import Path

import click

from holdfast.cli.command import command, data_option, json_option, show


@click.group(invoke_without_command=True)
@data_option
@json_option
@click.pass_context
def console(context: click.Context, *, data: Path | None, as_json: bool) -> None:
    """Print a link that signs you in at the console: good once, for ten minutes."""
    if context.invoked_subcommand is None:
        _link(data=data, as_json=as_json)


@command
def _link(*, data: Path | None, as_json: bool) -> None:
    from holdfast.app.console_access import new_link
    from holdfast.app.instances import find_data

    made = new_link(find_data(data))
    show(made, f"{made.sign_in}\n\nopen it within ten minutes; it works once", as_json=as_json)


@console.command("token")
@click.option(
    "--role",
    required=True,
    type=click.Choice(["viewer", "operator", "admin", "ingest"]),
    help="What the program may do; `ingest` sends traces and does nothing else.",
)
@click.option("--name", default="program", show_default=True, help="The program's name.")
@click.option(
    "--days", default=90, show_default=True, type=click.IntRange(1, 366), help="How long it lives."
)
@data_option
@json_option
@command
def console_token(*, role: str, name: str, days: int, data: Path | None, as_json: bool) -> None:
    """Make a bearer token for a program: Prometheus, a script. It is shown once."""
    from holdfast.app.console_access import make_token
    from holdfast.app.instances import find_data

    made = make_token(find_data(data), role, name=name, days=days)
    about = made.about
    text = f"{made.token}\n\ntoken {about.id}: {about.name}, {about.role}, until {about.ends[:10]};"
    show(made, f"{text} it is not shown again", as_json=as_json)


@console.command("tokens")
@data_option
@json_option
@command
def console_tokens(*, data: Path | None, as_json: bool) -> None:
    """List the tokens of programs: whose, what for, until when."""
    from holdfast.app.console_access import list_tokens, token_table
    from holdfast.app.instances import find_data

    found = list_tokens(find_data(data))
    show({"tokens": found}, token_table(found), as_json=as_json)


@console.command("revoke")
@click.argument("token_id", metavar="ID")
@data_option
@json_option
@command
def console_revoke(token_id: str, *, data: Path | None, as_json: bool) -> None:
    """Revoke the token ID (as in 'console tokens'), at once."""
    from holdfast.app.console_access import revoke_token
    from holdfast.app.instances import find_data

    done = revoke_token(find_data(data), token_id)
    show(done, f"token {done.id} of {done.name} is revoked", as_json=as_json)


@console.command("sessions")
@data_option
@json_option
@command
def console_sessions(*, data: Path | None, as_json: bool) -> None:
    """List who is signed in at the console."""
    from holdfast.app.console_access import list_sessions, session_table
    from holdfast.app.instances import find_data

    found = list_sessions(find_data(data))
    show({"sessions": found}, session_table(found), as_json=as_json)


@console.command("end")
@click.argument("session")
@data_option
@json_option
@command
def console_end(session: str, *, data: Path | None, as_json: bool) -> None:
    """End SESSION (as in 'console sessions'): whoever has it must sign in anew."""
    from holdfast.app.console_access import end_session
    from holdfast.app.instances import find_data

    ended = end_session(find_data(data), session)
    show(ended, f"the session {ended.id} of {ended.principal} is ended", as_json=as_json)
