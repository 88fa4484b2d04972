"""Text files that people write, of bounded size."""

from pathlib import Path

from holdfast.core import HoldfastError

FILE_BYTES_MAX = 1024 * 1024


class FileError(HoldfastError):
    """A file cannot be read."""

    code = "file.unreadable"


def read_bounded(path: Path, bytes_max: int, *, fix: str = "") -> bytes:
    """A whole file; ``FileError``, with ``fix``, where it is larger than ``bytes_max``."""
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except OSError as error:
        raise FileError(
            f"{path} cannot be read: {error.strerror}", fix="check the path and its permissions"
        ) from error
    if len(data) > bytes_max:
        raise FileError(f"{path} is larger than {bytes_max} bytes", fix=fix)
    return data


def read_text(path: Path, bytes_max: int = FILE_BYTES_MAX, *, fix: str = "") -> str:
    """A UTF-8 text file of bounded size, as ``read_bounded`` reads it."""
    data = read_bounded(path, bytes_max, fix=fix)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8 text: byte {error.start}") from error
