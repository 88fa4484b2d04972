"""``holdfast calm import`` and ``export``: the files on either side."""

import json
from pathlib import Path

import msgspec

from holdfast.app.signing import NO_TRUST, Trust, signer_of
from holdfast.app.texts import read_text
from holdfast.blueprint import load
from holdfast.blueprint.calm import DOCUMENT_BYTES_MAX, read_document
from holdfast.blueprint.exchange import export_calm, import_calm
from holdfast.core import HoldfastError


class ExchangeFileError(HoldfastError):
    """A file of an exchange cannot be read or written."""

    code = "exchange.file"


class Note(msgspec.Struct, frozen=True):
    """What somebody must decide about an imported blueprint, and where in it."""

    at: str
    what: str


class TakenOver(msgspec.Struct, frozen=True):
    """A blueprint made of a CALM document; ``path`` is None where it was written nowhere."""

    blueprint: str
    path: str | None
    notes: list[Note]


class GivenBack(msgspec.Struct, frozen=True):
    """A CALM document made of a blueprint, as JSON text; ``path`` as above."""

    document: str
    path: str | None


def import_file(source: Path, *, target: Path | None, force: bool) -> TakenOver:
    """The blueprint that the CALM document in ``source`` describes; written to ``target`` where
    that is given. An existing file is overwritten only by ``force``."""
    found = import_calm(read_document(_bytes(source), name=str(source)), name=_name(source))
    if target is not None:
        _write(target, found.text, force=force)
    notes = [Note(at=".".join(map(str, note.path)), what=note.text) for note in found.notes]
    return TakenOver(blueprint=found.text, path=_shown(target), notes=notes)


def export_file(
    source: Path,
    *,
    target: Path | None,
    force: bool,
    version: str | None = None,
    trust: Trust = NO_TRUST,
) -> GivenBack:
    """The blueprint in ``source`` as a CALM document; written as ``import_file`` does."""
    text = read_text(source)
    signed = signer_of(source, text, trust=trust) is not None
    blueprint = load(
        text,
        source=str(source),
        read=lambda name: read_text(source.parent / name),
        signed=signed,
    )
    document = json.dumps(export_calm(blueprint, version=version), indent=2, ensure_ascii=False)
    if target is not None:
        _write(target, f"{document}\n", force=force)
    return GivenBack(document=document, path=_shown(target))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(DOCUMENT_BYTES_MAX + 1)
    except OSError as error:
        raise ExchangeFileError(
            f"{path} cannot be read: {error.strerror}", fix="check the path and its permissions"
        ) from error


def _write(path: Path, text: str, *, force: bool) -> None:
    """A crash leaves a part of the file at worst; running the command again mends it."""
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ExchangeFileError(
            f"{path} is already there and was not touched",
            fix="name another file, or overwrite it with `--force`",
        ) from error
    except OSError as error:
        raise ExchangeFileError(
            f"{path} cannot be written: {error.strerror}", fix="check the path and its permissions"
        ) from error


def _name(path: Path) -> str:
    """What to call a system whose document has no title."""
    return path.name.split(".")[0] or path.name


def _shown(path: Path | None) -> str | None:
    return None if path is None else str(path)
