"""``holdfast audit alarms``, ``settle``, ``erase``: what people must look after in the log."""

from pathlib import Path

import click

from holdfast.cli.command import command, data_option, json_option, show
from holdfast.cli.completing import CallName
from holdfast.cli.progress import progress_of


@click.command("alarms")
@click.option(
    "--grace",
    type=click.IntRange(0, 86_400 * 30),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long a call may take before its missing outcome is told.",
)
@data_option
@json_option
@command
def audit_alarms(*, grace: int, data: Path | None, as_json: bool) -> None:
    """List calls that were begun and have no outcome: nobody knows what they changed.

    Exit status 1 when there are any.
    """
    import sys

    from holdfast.app.alarms import alarms_text, list_alarms
    from holdfast.app.instances import find_data

    found = list_alarms(find_data(data), grace_s=grace)
    show(found, alarms_text(found), as_json=as_json)
    if found.alarms:
        sys.exit(1)


@click.command("settle")
@click.argument("call_id", type=CallName())
@click.option("--reason", required=True, help="What you found; it goes into the log.")
@data_option
@json_option
@command
def audit_settle(call_id: str, *, reason: str, data: Path | None, as_json: bool) -> None:
    """Answer for the call CALL_ID, which has no outcome: its alarm goes, your word stays."""
    from holdfast.app.alarms import settle
    from holdfast.app.instances import find_data

    found = settle(find_data(data), call_id, reason=reason)
    show(found, f"settled {found.call}; record: {found.change}", as_json=as_json)


@click.command("erase")
@click.option("--tenant", default="default", show_default=True, help="Whose digests become mute.")
@click.option("--reason", default="", help="Why; it goes into the log.")
@click.option("--yes", is_flag=True, help="Do not ask. There is no way back.")
@data_option
@json_option
@command
def audit_erase(*, tenant: str, reason: str, yes: bool, data: Path | None, as_json: bool) -> None:
    """Destroy the salt of a tenant's digests: nobody can tell any more what they were made from.

    The log stays whole and verifies as before.
    """
    from holdfast.app.erasure import erase, erased_text
    from holdfast.app.instances import find_data

    place = find_data(data)
    if not yes:
        if as_json:
            raise click.UsageError("--json needs --yes: there is nobody to ask")
        click.confirm(
            f"Destroy the salt of tenant '{tenant}' in {place.path}? There is no way back",
            abort=True,
        )
    with progress_of("destroying the salt, replacing workers", as_json=as_json):
        found = erase(place, tenant, reason=reason)
    show(found, erased_text(found), as_json=as_json)
