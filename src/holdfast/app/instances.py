"""Which data directory does a command mean? The one named, the one here, or the one running."""

import os
from pathlib import Path

from holdfast.app.datadir import DataDir
from holdfast.core import HoldfastError

DEFAULT_NAME = ".holdfast"
_REGISTRY_ENTRIES_MAX = 256


class NoInstanceError(HoldfastError):
    """No instance or data directory could be found, or more than one."""

    code = "instance.not-found"


def registry() -> Path:
    """Where running instances leave their directory's path, one small file each, per user."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "holdfast" / "instances"


def register(data: DataDir) -> Path | None:
    """Leave the path; None when the home directory cannot be written, which is no reason to stop."""
    entry = registry() / str(os.getpid())
    try:
        entry.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        entry.write_text(str(data.path), encoding="utf-8")
    except OSError:
        return None
    return entry


def find_data(named: Path | None) -> DataDir:
    """``--data``, else ``.holdfast`` here or above, else the only running instance of this user."""
    if named is not None:
        data = DataDir(named)
        data.require()
        return data
    here = Path.cwd()
    for folder in (here, *here.parents):
        data = DataDir(folder / DEFAULT_NAME)
        if data.is_used:
            return data
    running = running_instances()
    if len(running) == 1:
        return running[0]
    if not running:
        raise NoInstanceError(
            "no instance is running and there is no .holdfast directory here or above",
            fix="run 'holdfast up' first, or name its directory with --data DIR",
        )
    places = ", ".join(str(data.path) for data in running)
    raise NoInstanceError(
        f"several instances are running: {places}", fix="name one with --data DIR"
    )


def running_instances() -> list[DataDir]:
    """The data directories of this user's running instances; entries of dead ones go."""
    folder = registry()
    entries = sorted(folder.iterdir())[:_REGISTRY_ENTRIES_MAX] if folder.is_dir() else []
    found: dict[Path, DataDir] = {}
    for entry in entries:
        try:
            data = DataDir(Path(entry.read_text(encoding="utf-8")))
        except OSError:
            continue
        if data.instance() is not None:
            found[data.path] = data
        else:
            entry.unlink(missing_ok=True)
    return list(found.values())
