"""What watched files look like from outside, so that a change is seen without reading them."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from holdfast.app.files import Loaded
from holdfast.app.signing import signature_file
from holdfast.world.ports import ListenTls

Looks: TypeAlias = tuple[tuple[int, int], ...]


def looks_of_blueprint(blueprint: Path, loaded: Loaded) -> Looks:
    """What the watched files look like from outside."""
    policies = (blueprint.parent / name for name in sorted(loaded.files))
    return _looks((blueprint, signature_file(blueprint), *policies))


def looks_of_tls(tls: ListenTls | None) -> Looks:
    if tls is None:
        return ()
    names = (tls.certificate, tls.key, tls.clients)
    return _looks(Path(name) for name in names if name is not None)


def _looks(paths: Iterable[Path]) -> Looks:
    """Of each file its instant and size; a missing file is a look too."""
    looks: list[tuple[int, int]] = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            looks.append((0, 0))
        else:
            looks.append((stat.st_mtime_ns, stat.st_size))
    return tuple(looks)
