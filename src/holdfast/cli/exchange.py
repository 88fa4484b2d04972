"""``holdfast calm import`` and ``export``: between CALM and the blueprint, both ways."""

from pathlib import Path

import click

from holdfast.cli.command import command, json_option, show

_FILE = click.Path(path_type=Path, dir_okay=False)
_force = click.option("--force", is_flag=True, help="Overwrite the file that -o names.")


@click.command("import")
@click.argument("document", type=_FILE, metavar="CALM.json")
@click.option("-o", "--output", type=_FILE, help="Where to write the blueprint. Default: print it.")
@_force
@json_option
@command
def calm_import(document: Path, output: Path | None, *, force: bool, as_json: bool) -> None:
    """Make a blueprint of a CALM architecture (1.0 to 1.3); nothing of it is lost.

    What a person must decide is told, and stands as a comment in the blueprint.
    """
    from holdfast.app.exchanging import import_file

    done = import_file(document, target=output, force=force)
    if not as_json:
        for note in done.notes:
            click.echo(f"decide: {note.at}: {note.what}", err=True)
    text = done.blueprint.rstrip("\n")
    if done.path is not None:
        text = f"wrote {done.path}\nnext: holdfast check {done.path}"
    show(done, text, as_json=as_json)


@click.command("export")
@click.argument("file", type=_FILE, metavar="FILE")
@click.option("-o", "--output", type=_FILE, help="Where to write the document. Default: print it.")
@click.option(
    "--version",
    type=click.Choice(["1.0", "1.1", "1.2", "1.3"]),
    help="The version of CALM that `$schema` names; 1.3 is a draft. Default: the one that FILE was "
    "imported from, else 1.2.",
)
@click.option(
    "--trust-key",
    "trust_key",
    multiple=True,
    help="Key whose signature is believed; then FILE must be signed. May be given more than once.",
)
@_force
@json_option
@command
def calm_export(
    file: Path,
    output: Path | None,
    version: str | None,
    trust_key: tuple[str, ...],
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Write the blueprint FILE as a CALM document.

    What CALM has no word for is kept under metadata.holdfast. A blueprint holds no secrets, only
    references to them, so the document holds none.
    """
    from holdfast.app.exchanging import export_file
    from holdfast.app.signing import read_trust

    trust = read_trust(trust_key, folder=file.absolute().parent / ".holdfast" / "keys")
    done = export_file(file, target=output, force=force, version=version, trust=trust)
    text = done.document if done.path is None else f"wrote {done.path}"
    show(done, text, as_json=as_json)
