"""Manifests on disk: reading them, writing those of a blueprint, comparing the two."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from holdfast.app.files import load_blueprint
from holdfast.app.texts import FileError, read_bounded
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes import (
    Cluster,
    Comparison,
    Exported,
    Flavour,
    Manifests,
    cluster_in,
    compare,
    export,
    read_manifests,
)

SUFFIXES = frozenset({".json", ".yaml", ".yml"})
FILE_BYTES_MAX = 64 * 1024 * 1024
BYTES_MAX = 256 * 1024 * 1024
FILES_MAX = 5_000


def read_texts(paths: tuple[Path, ...]) -> dict[str, str]:
    """The text of every manifest that the paths name: files, or folders with all below them."""
    texts: dict[str, str] = {}
    size = 0
    for path in paths:
        for file in _files(path):
            texts[str(file)] = text = _read(file)
            size += len(text)
            if size > BYTES_MAX or len(texts) > FILES_MAX:
                raise FileError(
                    f"more than {FILES_MAX} files or {BYTES_MAX} bytes of manifests",
                    fix="name one namespace's manifests at a time",
                )
    if not texts:
        raise FileError("there are no manifests in what was named", fix="name .yaml or .json files")
    return texts


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    # Links are not followed, so that no circle of them can be walked.
    for folder, inner, names in os.walk(path, followlinks=False):
        inner.sort()
        for name in sorted(names):
            if Path(name).suffix in SUFFIXES:
                yield Path(folder) / name


def _read(file: Path) -> str:
    fix = "name one plan, or one namespace's manifests, at a time"
    data = read_bounded(file, FILE_BYTES_MAX, fix=fix)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{file} is not UTF-8 text: byte {error.start}", fix="save it as UTF-8"
        ) from error


def load_manifests(paths: tuple[Path, ...]) -> Manifests:
    """The manifests at the paths; ``ManifestError`` with everything wrong with them."""
    return read_manifests(read_texts(paths))


def load_system(file: Path) -> System:
    return System(load_blueprint(file).blueprint)


def write_exported(exported: Exported, folder: Path) -> tuple[Path, ...]:
    """Write each file. A crash between them leaves some older; writing again mends it."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, text in exported.files.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return tuple(written)


def export_of(system: System, cluster: Cluster, *, flavours: tuple[Flavour, ...]) -> Exported:
    return export(system, cluster, flavours=flavours)


def comparison_of(
    system: System, cluster: Cluster, *, manifests: tuple[Path, ...], is_given: bool = True
) -> Comparison:
    """Without a given namespace, the manifests tell in which the nodes run."""
    read = load_manifests(manifests)
    if not is_given:
        found = cluster_in(read, system.blueprint)
        cluster = replace(
            cluster, namespace=found.namespace, gateway_namespace=found.gateway_namespace
        )
    return compare(read, system, cluster)
