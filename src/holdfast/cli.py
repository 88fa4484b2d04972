"""The commands. Thin: each reads its words, calls the application, prints what came back."""

import asyncio
import contextlib
import functools
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NoReturn, ParamSpec

import click
import msgspec

from holdfast import __version__
from holdfast.core import HoldfastError

P = ParamSpec("P")

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
_data = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The data directory. Default: .holdfast here or above, or the one running instance.",
)


def _show(value: object, text: str, *, as_json: bool) -> None:
    click.echo(msgspec.json.encode(value).decode() if as_json else text)


def _fail(error: HoldfastError, *, as_json: bool) -> NoReturn:
    if as_json:
        problem = {"code": error.code, "what": error.what, "fix": error.fix}
        click.echo(msgspec.json.encode({"error": problem}).decode())
    else:
        click.echo(f"error: {error.what}", err=True)
        if error.fix:
            click.echo(f"  mend: {error.fix}", err=True)
    sys.exit(1)


@contextlib.contextmanager
def _failing_clearly(*, as_json: bool) -> Generator[None]:
    try:
        yield
    except HoldfastError as error:
        _fail(error, as_json=as_json)
    except ExceptionGroup as group:
        found = group.subgroup(HoldfastError)
        if found is None:
            raise
        _fail(_first(found), as_json=as_json)
    except OSError as error:
        # The last resort: whoever met it should have said what was attempted.
        _fail(
            HoldfastError(f"the system refused: {error}", fix="check the disk and permissions"),
            as_json=as_json,
        )


def _first(group: ExceptionGroup[HoldfastError]) -> HoldfastError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


def _command(function: Callable[P, None]) -> Callable[P, None]:
    """A command whose ``HoldfastError`` becomes a clear message and exit code 1."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with _failing_clearly(as_json=bool(kwargs.get("as_json"))):
            function(*args, **kwargs)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="holdfast")
def main() -> None:
    """Run a declared AI system: every call identified, allowed, routed, recorded."""
    if not __debug__:
        click.echo(
            "error: Holdfast does not run under python -O: its assertions guard it", err=True
        )
        sys.exit(2)


@main.command()
@click.argument(
    "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="[DIR]"
)
@_json
@_command
def init(folder: Path, *, as_json: bool) -> None:
    """Write a small commented holdfast.yaml into DIR (default: here)."""
    from holdfast.app.starter import write_starter

    path = write_starter(folder)
    text = f"wrote {path}\nnext: holdfast up {path}   (and 'holdfast check {path}' after changes)"
    _show({"path": str(path)}, text, as_json=as_json)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_json
@_command
def check(file: Path, *, as_json: bool) -> None:
    """Tell all that is wrong with the blueprint FILE at once."""
    from holdfast.app.files import problems_of
    from holdfast.app.wording import problem_rows, problem_text

    problems = problems_of(file)
    errors = sum(problem.severity == "error" for problem in problems)
    _show(
        {"valid": errors == 0, "problems": problem_rows(problems)},
        problem_text(file, problems),
        as_json=as_json,
    )
    if errors:
        sys.exit(1)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8080, show_default=True, help="Port for calls; 0 takes a free one.")
@click.option(
    "--console-host",
    default="127.0.0.1",
    show_default=True,
    help="Address of the console; it has no sign-in yet, so keep it where only you can reach it.",
)
@click.option("--console-port", default=8081, show_default=True, help="Port for the console.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The data directory. Default: .holdfast beside FILE.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes."
)
@_json
@_command
def up(
    file: Path,
    host: str,
    port: int,
    console_host: str,
    console_port: int,
    data: Path | None,
    workers: int,
    *,
    as_json: bool,
) -> None:
    """Run the system that the blueprint FILE declares."""
    import uvloop

    from holdfast.app.keeper import Options, run_keeper
    from holdfast.app.logs import configure_logs
    from holdfast.app.wording import ready_text

    configure_logs(as_json=as_json)
    options = Options(
        blueprint=file,
        data=data or file.absolute().parent / ".holdfast",
        host=host,
        port=port,
        console_host=console_host,
        console_port=console_port,
        workers=workers,
    )

    def on_ready(info: object) -> None:
        _show({"ready": info}, ready_text(info), as_json=as_json)
        sys.stdout.flush()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_keeper(options, on_ready=on_ready))


@main.command()
@_data
@_json
@_command
def restart(*, data: Path | None, as_json: bool) -> None:
    """Replace the workers of the running instance one by one; no call is cut off for it."""
    from holdfast.app.instances import find_data
    from holdfast.app.restarts import restart_workers

    done = restart_workers(find_data(data))
    plural = "s" if done.workers != 1 else ""
    text = f"{done.workers} fresh worker{plural}; {done.leaving} old finishing calls"
    _show(done, text, as_json=as_json)


@main.group()
def key() -> None:
    """Make, list and revoke credentials for nodes of the blueprint."""


@key.command("create")
@click.argument("node")
@_data
@_json
@_command
def key_create(node: str, *, data: Path | None, as_json: bool) -> None:
    """Make a key for NODE; it is shown once and stored hashed."""
    from holdfast.app.instances import find_data
    from holdfast.app.keys import create_key

    made = create_key(find_data(data), node)
    text = f"{made.key}\n\nkey {made.id} for '{made.node}'; it is not shown again. {made.in_force}"
    _show(made, text, as_json=as_json)


@key.command("list")
@_data
@_json
@_command
def key_list(*, data: Path | None, as_json: bool) -> None:
    """List keys: for which node, made when, revoked when."""
    from holdfast.app.instances import find_data
    from holdfast.app.keys import list_keys
    from holdfast.app.wording import key_table

    keys = list_keys(find_data(data))
    _show({"keys": keys}, key_table(keys), as_json=as_json)


@key.command("revoke")
@click.argument("key_id")
@_data
@_json
@_command
def key_revoke(key_id: str, *, data: Path | None, as_json: bool) -> None:
    """Revoke the key with this id (as in 'key list'), on every worker at once."""
    from holdfast.app.instances import find_data
    from holdfast.app.keys import revoke_key

    revoked = revoke_key(find_data(data), key_id)
    _show(
        revoked,
        f"key {revoked.id} of '{revoked.node}' is revoked. {revoked.in_force}",
        as_json=as_json,
    )


@main.group()
def audit() -> None:
    """Verify the log, show the records of a call, prove that they are in it."""


@audit.command("verify")
@_data
@_json
@_command
def audit_verify(*, data: Path | None, as_json: bool) -> None:
    """Recompute the whole log from its entries and check the signed checkpoint."""
    from holdfast.app.evidence import verify
    from holdfast.app.instances import find_data
    from holdfast.app.wording import verification_text

    found = verify(find_data(data))
    _show(found, verification_text(found), as_json=as_json)
    if not found.verified:
        sys.exit(1)


@audit.command("show")
@click.argument("call_id")
@_data
@_json
@_command
def audit_show(call_id: str, *, data: Path | None, as_json: bool) -> None:
    """Show the records of the call CALL_ID (the x-request-id of its answer)."""
    from holdfast.app.evidence import show
    from holdfast.app.instances import find_data
    from holdfast.app.wording import records_text

    found = show(find_data(data), call_id)
    _show(found, records_text(found), as_json=as_json)


@audit.command("prove")
@click.argument("call_id")
@_data
@_json
@_command
def audit_prove(call_id: str, *, data: Path | None, as_json: bool) -> None:
    """Prove offline that the records of the call CALL_ID are in the log."""
    from holdfast.app.evidence import prove
    from holdfast.app.instances import find_data
    from holdfast.app.wording import proof_text

    found = prove(find_data(data), call_id)
    _show(found, proof_text(found), as_json=as_json)
    if not found.verified:
        sys.exit(1)


@main.group()
def policy() -> None:
    """Look at the policy that the blueprint implies."""


@policy.command("schema")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_json
@_command
def policy_schema(file: Path, *, as_json: bool) -> None:
    """Print the Cedar schema that the policies of the blueprint FILE are checked against."""
    from holdfast.app.files import load_blueprint

    loaded = load_blueprint(file)
    text = loaded.policy.schema_text
    _show({"schema": text, "digest": loaded.policy.digest}, text, as_json=as_json)


if __name__ == "__main__":
    main()
