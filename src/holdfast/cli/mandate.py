"""``holdfast mandate``: who may do what, for minutes, on whose behalf."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from holdfast.cli.command import command, data_option, json_option, show

T = TypeVar("T")

_FILE = click.Path(path_type=Path, dir_okay=False)
_SECONDS = {"": 1, "s": 1, "m": 60}


class _Duration(click.ParamType[int]):
    """Seconds, as ``600``, ``600s`` or ``10m``."""

    name = "TIME"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        found = re.fullmatch(r"([0-9]{1,5})([sm]?)", str(value))
        if found is None:
            self.fail(f"'{value}' is no time: write it as 600s or 10m", param, ctx)
        return int(found[1]) * _SECONDS[found[2]]


_authority = click.option(
    "--authority",
    required=True,
    metavar="FILE|JSON",
    help="What may be done: authorities as docs/identity/mandates.md has them.",
)
_ttl = click.option("--ttl", "ttl_s", type=_Duration(), default="10m", show_default=True)
_why = click.option("--why", default="", help="The purpose; stands in the log.")


def _grant_options(function: Callable[..., T]) -> Callable[..., T]:
    for option in reversed(
        (
            click.argument("agent"),
            _authority,
            _ttl,
            click.option(
                "--depth",
                type=click.IntRange(0, 4),
                default=1,
                show_default=True,
                help="How often it may be delegated on.",
            ),
            _why,
            click.option(
                "--key", "key_file", type=_FILE, help="The agent's public key, PEM or JWK."
            ),
            click.option("--identity", "identity_file", type=_FILE, help="Or its WIT."),
            data_option,
            json_option,
        )
    ):
        function = option(function)
    return function


@click.group()
def mandate() -> None:
    """Grant, delegate and look at mandates."""


@mandate.command("grant")
@_grant_options
@command
def mandate_grant(*, data: Path | None, as_json: bool, **options: object) -> None:
    """Let the node AGENT act for you, the person who is logged in."""
    import msgspec

    from holdfast.app.instances import find_data
    from holdfast.app.mandates import Asked, grant_for_person

    made = grant_for_person(find_data(data), msgspec.convert(options, Asked))
    show(made, _granted(made), as_json=as_json)


@mandate.command("service")
@_grant_options
@command
def mandate_service(*, data: Path | None, as_json: bool, **options: object) -> None:
    """Let the node AGENT act for itself."""
    import msgspec

    from holdfast.app.instances import find_data
    from holdfast.app.mandates import Asked, grant_for_service

    made = grant_for_service(find_data(data), msgspec.convert(options, Asked))
    show(made, _granted(made), as_json=as_json)


@mandate.command("show")
@click.argument("file", type=_FILE)
@data_option
@json_option
@command
def mandate_show(file: Path, *, data: Path | None, as_json: bool) -> None:
    """Verify the mandate in FILE and show what it says."""
    from holdfast.app.instances import find_data
    from holdfast.app.mandates import show_mandate
    from holdfast.app.wording_of_mandates import mandate_text

    found = show_mandate(find_data(data), file)
    show(found, mandate_text(found), as_json=as_json)


@mandate.command("delegate")
@click.argument("file", type=_FILE)
@click.option("--holder-key", type=_FILE, required=True, help="Private key of its last holder.")
@click.option("--to", required=True, help="SPIFFE ID of who shall hold the next link.")
@click.option("--to-key", type=_FILE, required=True, help="That one's public key, PEM or JWK.")
@_authority
@_ttl
@_why
@json_option
@command
def mandate_delegate(
    file: Path,
    *,
    holder_key: Path,
    to: str,
    to_key: Path,
    authority: str,
    ttl_s: int,
    why: str,
    as_json: bool,
) -> None:
    """Give a part of the mandate in FILE to another, offline; never more than it holds."""
    from holdfast.app.mandates import delegate_mandate

    chain = delegate_mandate(
        file, holder_key, to=to, to_key=to_key, authority=authority, ttl_s=ttl_s, why=why
    ).decode()
    show({"mandate": chain}, chain, as_json=as_json)


def _granted(made: object) -> str:
    from holdfast.app.mandates import Granted
    from holdfast.app.wording_of_mandates import mandate_text

    assert isinstance(made, Granted)
    return f"{made.mandate}\n\n{mandate_text(made.shown)}\nchange      {made.change}"
