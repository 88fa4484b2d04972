"""What every command shares: its options, how it prints, how it fails."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NoReturn, ParamSpec

import click
import msgspec

from holdfast.cli.completing import Place
from holdfast.core import HoldfastError

P = ParamSpec("P")
INTERRUPTED, PIPE_CLOSED = 130, 141
"""Exit codes, as a shell gives them for the signals."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
data_option = click.option(
    "--data",
    type=Place(path_type=Path, file_okay=False),
    is_eager=True,  # what completes other options looks there
    help="The data directory. Default: .holdfast here or above, or the one running instance.",
)


def show(value: object, text: str, *, as_json: bool) -> None:
    click.echo(msgspec.json.encode(value).decode() if as_json else text)


def _fail(error: HoldfastError, *, as_json: bool, exit_code: int) -> NoReturn:
    if as_json:
        problem = {"code": error.code, "what": error.what, "fix": error.fix}
        click.echo(msgspec.json.encode({"error": problem}).decode())
    else:
        click.echo(f"error: {error.what}", err=True)
        if error.fix:
            click.echo(f"  mend: {error.fix}", err=True)
    sys.exit(exit_code)


@contextlib.contextmanager
def _failing_clearly(*, as_json: bool, exit_code: int) -> Generator[None]:
    try:
        with _leaving_quietly():
            yield
    except HoldfastError as error:
        _fail(error, as_json=as_json, exit_code=exit_code)
    except ExceptionGroup as group:
        found = group.subgroup(HoldfastError)
        if found is None:
            raise
        _fail(_first(found), as_json=as_json, exit_code=exit_code)
    except OSError as error:
        # The last resort: whoever met it should have said what was attempted.
        _fail(
            HoldfastError(f"the system refused: {error}", fix="check the disk and permissions"),
            as_json=as_json,
            exit_code=exit_code,
        )


@contextlib.contextmanager
def _leaving_quietly() -> Generator[None]:
    """Ctrl-C, and a reader that has read enough (``| head``), are no faults to speak of."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # What is still buffered must not be tried again at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(PIPE_CLOSED)


def _first(group: ExceptionGroup[HoldfastError]) -> HoldfastError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


def command(function: Callable[P, None]) -> Callable[P, None]:
    """A command whose ``HoldfastError`` becomes a clear message and exit code 1."""
    return _running(function, exit_code=1)


def judging_command(function: Callable[P, None]) -> Callable[P, None]:
    """A command that exits with 1 where its judgement is bad: what keeps it from judging is 2."""
    return _running(function, exit_code=2)


def _running(function: Callable[P, None], *, exit_code: int) -> Callable[P, None]:
    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with _failing_clearly(as_json=bool(kwargs.get("as_json")), exit_code=exit_code):
            function(*args, **kwargs)

    return run
