"""``holdfast login``, ``whoami``, ``logout``: which person gives the commands."""

import asyncio
import sys
import webbrowser
from pathlib import Path

import click

from holdfast.cli.command import command, data_option, json_option, show


@click.command()
@click.option("--issuer", help="The provider, where the blueprint names several.")
@click.option("--no-browser", is_flag=True, help="Only print the address to open.")
@data_option
@json_option
@command
def login(issuer: str | None, *, no_browser: bool, data: Path | None, as_json: bool) -> None:
    """Log in as a person, at a provider that the blueprint names under `people`."""
    from holdfast.app.instances import find_data
    from holdfast.app.login import chosen_provider, log_in

    place = find_data(data)
    provider = chosen_provider(place, issuer)

    def offer(url: str) -> None:
        show({"open": url}, f"open in a browser on this machine:\n  {url}", as_json=as_json)
        sys.stdout.flush()
        if not no_browser:
            webbrowser.open(url)

    done = asyncio.run(log_in(place, provider, show=offer))
    show({"person": done}, _text(done), as_json=as_json)


@click.command()
@data_option
@json_option
@command
def whoami(*, data: Path | None, as_json: bool) -> None:
    """Show who is logged in."""
    from holdfast.app.instances import find_data
    from holdfast.app.login import who_is_logged_in

    found = who_is_logged_in(find_data(data))
    show({"person": found}, _text(found), as_json=as_json)


@click.command()
@data_option
@json_option
@command
def logout(*, data: Path | None, as_json: bool) -> None:
    """Forget who is logged in."""
    from holdfast.app.instances import find_data
    from holdfast.app.login import log_out

    log_out(find_data(data))
    show({"person": None}, "nobody is logged in", as_json=as_json)


def _text(found: object) -> str:
    from holdfast.app.login import LoggedIn

    assert isinstance(found, LoggedIn)
    named = f" ({found.name})" if found.name else ""
    return f"{found.principal}{named}\nby    {found.issuer}\nuntil {found.expires}"
