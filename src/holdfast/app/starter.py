"""``holdfast init``: the first blueprint."""

from pathlib import Path

from holdfast.blueprint import starter
from holdfast.core import HoldfastError

FILE_NAME = "holdfast.yaml"


class StarterError(HoldfastError):
    """The first blueprint cannot be written."""

    code = "init.failed"


def write_starter(folder: Path) -> Path:
    """Write ``holdfast.yaml`` into ``folder``; an existing one is never overwritten."""
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(starter())
    except FileExistsError as error:
        raise StarterError(
            f"{path} is already there and was not touched", fix="name another folder"
        ) from error
    except OSError as error:
        raise StarterError(f"{path} cannot be written: {error.strerror}") from error
    return path
