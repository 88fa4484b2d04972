"""``holdfast sign``: who may say which programs are started."""

from pathlib import Path

import click

from holdfast.cli.command import command, json_option, show

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=_FILE)
@click.option(
    "--key", "key_file", type=_FILE, required=True, help="Signing key; made if it is not there."
)
@click.option(
    "--name",
    default="holdfast.local/blueprint",
    show_default=True,
    help="What a new key is called in signatures.",
)
@json_option
@command
def sign(file: Path, key_file: Path, name: str, *, as_json: bool) -> None:
    """Sign the blueprint FILE as it is now, into FILE.sig: only then may it name programs."""
    from holdfast.app.signing import sign_blueprint

    done = sign_blueprint(file, key_file=key_file, name=name)
    made = (
        f"made the key {key_file}; keep it from whoever should not sign\n" if done.key_made else ""
    )
    text = f"{made}wrote {done.signature}\nnext: holdfast up {file} --trust-key {done.vkey}"
    show(done, text, as_json=as_json)
