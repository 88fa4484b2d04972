"""Libraries that are loaded where they are wanted, with a word on how to get them."""

import contextlib
from collections.abc import Generator

from holdfast.client.errors import ExtraMissingError


@contextlib.contextmanager
def wanted(library: str) -> Generator[None]:
    """For an import: ``ExtraMissingError`` where the library is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtraMissingError(
            f"{library} is not installed",
            fix="pip install 'holdfast[client]'"
            if library == "httpx"
            else f"pip install {library}",
        ) from error
