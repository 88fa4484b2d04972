"""Reaching into plain data of unknown shape: what is not there, or of another kind, is None or empty."""

from collections.abc import Iterator, Mapping

from holdfast.blueprint import Plain

Plainly = Mapping[str, Plain]
_EMPTY: Plainly = {}


def at(data: Plain | Plainly, *steps: str) -> Plain | Plainly:
    """The value below ``steps``; None when something on the way is missing."""
    for step in steps:
        if not isinstance(data, Mapping):
            return None
        data = data.get(step)
    return data


def mapping(data: Plain | Plainly, *steps: str) -> Plainly:
    found = at(data, *steps)
    return found if isinstance(found, Mapping) else _EMPTY


def items(data: Plain | Plainly, *steps: str) -> list[Plain]:
    found = at(data, *steps)
    return found if isinstance(found, list) else []


def mappings(data: Plain | Plainly, *steps: str) -> Iterator[Plainly]:
    """Those items of a list that are mappings."""
    for item in items(data, *steps):
        if isinstance(item, Mapping):
            yield item


def text(data: Plain | Plainly, *steps: str) -> str | None:
    """Text that says something."""
    found = at(data, *steps)
    return found if isinstance(found, str) and found else None


def whole(data: Plain | Plainly, *steps: str) -> int | None:
    found = at(data, *steps)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def truth(data: Plain | Plainly, *steps: str) -> bool | None:
    found = at(data, *steps)
    return found if isinstance(found, bool) else None


def words(data: Plain | Plainly, *steps: str) -> dict[str, str]:
    """A mapping of plain values, as text: labels. YAML reads `yes` and `1` as they are written."""
    found = mapping(data, *steps)
    return {
        key: value if isinstance(value, str) else _spelled(value)
        for key, value in found.items()
        if not isinstance(value, Mapping | list)
    }


def _spelled(value: Plain) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
