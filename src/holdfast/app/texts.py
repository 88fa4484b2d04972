"""Text files that people write, of bounded size."""

from pathlib import Path

from holdfast.core import HoldfastError

FILE_BYTES_MAX = 1024 * 1024


class FileError(HoldfastError):
    """A file cannot be read."""

    code = "file.unreadable"


def read_text(path: Path) -> str:
    """A UTF-8 text file of bounded size."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(
            f"{path} cannot be read: {error.strerror}", fix="check the path and its permissions"
        ) from error
    if len(data) > FILE_BYTES_MAX:
        raise FileError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8 text: byte {error.start}") from error
