"""JSON that means one thing: no member twice, no number that JSON has not, no bottomless nesting."""

import json
from collections.abc import Sequence
from typing import NoReturn

from holdfast.registry.models.errors import ModelFileError


def read_object(data: bytes, *, kind: type[ModelFileError]) -> dict[str, object]:
    """One JSON object; ``kind`` is raised for anything else."""

    def pairs(found: Sequence[tuple[str, object]]) -> dict[str, object]:
        whole = dict(found)
        if len(whole) != len(found):
            names = [name for name, _ in found]
            twice = next(name for name in names if names.count(name) > 1)
            raise kind(f"the JSON has the member '{twice[:100]}' twice")
        return whole

    def constant(word: str) -> NoReturn:
        raise kind(f"the JSON has the number {word}")

    try:
        found: object = json.loads(
            data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant
        )
    except (ValueError, RecursionError) as error:
        raise kind(f"the JSON cannot be read: {str(error)[:100]}") from error
    if not isinstance(found, dict):
        raise kind("the JSON is no object")
    return {str(name): value for name, value in found.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
