"""``holdfast key``: credentials of nodes."""

from pathlib import Path

import click

from holdfast.cli.command import command, data_option, json_option, show
from holdfast.cli.completing import Node


@click.group()
def key() -> None:
    """Make, list and revoke credentials for nodes of the blueprint."""


@key.command("create")
@click.argument("node", type=Node())
@data_option
@json_option
@command
def key_create(node: str, *, data: Path | None, as_json: bool) -> None:
    """Make a key for NODE; it is shown once and stored hashed."""
    from holdfast.app.instances import find_data
    from holdfast.app.keys import create_key

    made = create_key(find_data(data), node)
    text = f"{made.key}\n\nkey {made.id} for '{made.node}'; it is not shown again. {made.in_force}"
    show(made, text, as_json=as_json)


@key.command("list")
@data_option
@json_option
@command
def key_list(*, data: Path | None, as_json: bool) -> None:
    """List keys: for which node, made when, revoked when."""
    from holdfast.app.instances import find_data
    from holdfast.app.keys import list_keys
    from holdfast.app.wording import key_table

    keys = list_keys(find_data(data))
    show({"keys": keys}, key_table(keys), as_json=as_json)


@key.command("revoke")
@click.argument("key_id")
@data_option
@json_option
@command
def key_revoke(key_id: str, *, data: Path | None, as_json: bool) -> None:
    """Revoke the key with this id (as in 'key list'), on every worker at once."""
    from holdfast.app.instances import find_data
    from holdfast.app.keys import revoke_key

    revoked = revoke_key(find_data(data), key_id)
    show(
        revoked,
        f"key {revoked.id} of '{revoked.node}' is revoked. {revoked.in_force}",
        as_json=as_json,
    )
