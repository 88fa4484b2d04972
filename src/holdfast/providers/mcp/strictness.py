"""Names that one parser tells apart and another does not.

Go's ``encoding/json`` matches members of structures whatever their case, the long s for ``s`` and
the Kelvin sign for ``k`` included (CVE-2026-27896): ``Name`` beside ``name`` is then one tool to us and
another to the upstream.
"""

from holdfast.core import JsonObject, JsonValue
from holdfast.providers.mcp.errors import INVALID_REQUEST, McpError


def check_spelling(value: JsonObject, known: frozenset[str], *, where: str) -> None:
    """Refuse a member that is a known one in another case. ``known`` are spelled as they fold."""
    if known.issuperset(value):
        return
    folded = {name.casefold(): name for name in known}
    for name in value:
        meant = folded.get(name.casefold())
        if meant is not None and meant != name:
            raise McpError(
                f"the member {name[:64]!r} differs from `{meant}` in case only",
                number=INVALID_REQUEST,
                where=where,
                fix=f"write it `{meant}`",
            )


def check_no_twins(value: JsonValue, *, where: str) -> None:
    """Refuse, at any depth, two members of one object that differ in case only."""
    if isinstance(value, dict):
        if len({name.casefold() for name in value}) != len(value):
            raise McpError(
                "two members of one object differ in case only",
                number=INVALID_REQUEST,
                where=where,
                fix="send one of them",
            )
        for name, item in value.items():
            if isinstance(item, dict | list):
                check_no_twins(item, where=f"{where}/{_pointer(name)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                check_no_twins(item, where=f"{where}/{index}")


def _pointer(name: str) -> str:
    return name[:64].replace("~", "~0").replace("/", "~1")
