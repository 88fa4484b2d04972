"""Decorators: read, held against their schema, and their targets looked up.

The reference looks at none of this, so every finding here is ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.blueprint.calm.errors import CalmDocumentError, CalmReferenceError
from holdfast.blueprint.calm.findings import Finding
from holdfast.blueprint.calm.library import DECORATOR
from holdfast.blueprint.calm.schemas import SchemaError, Schemas
from holdfast.blueprint.calm.selecting import ANY, members, values
from holdfast.core import JsonObject, JsonValue

INVALID = "holdfast-decorator-invalid"
UNKNOWN_TARGET = "holdfast-decorator-target-unknown"
DANGLING = "holdfast-decorator-dangling"
_NAMED = ("nodes", "relationships", "flows", "moments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decorator:
    """What is said about parts of other documents."""

    unique_id: str
    type: str
    targets: tuple[str, ...]
    applies_to: tuple[str, ...]
    data: JsonObject


def decorator_of(document: JsonObject) -> Decorator:
    """What the document says; parts that have not the shape are left out."""
    data = document.get("data")
    return Decorator(
        unique_id=str(document.get("unique-id", "")),
        type=str(document.get("type", "")),
        targets=_texts(document.get("target")),
        applies_to=_texts(document.get("applies-to")),
        data=data if isinstance(data, dict) else {},
    )


def decorator_findings(document: JsonObject, schemas: Schemas) -> Iterator[Finding]:
    """Of a decorator that is a document. Its ``$schema`` names the standard it follows, and is
    left out of the judgement: the standards are closed and do not list it."""
    declared = document.get("$schema")
    named = isinstance(declared, str) and not declared.endswith("/decorators.json")
    url = str(declared) if named else DECORATOR
    plain: JsonObject = {name: value for name, value in document.items() if name != "$schema"}
    yield from _invalid(plain, url, schemas=schemas, prefix="")
    yield from _dangling(decorator_of(document), schemas)


def embedded_decorator_findings(architecture: JsonObject, schemas: Schemas) -> Iterator[Finding]:
    """Of decorators that an architecture carries itself: they speak of that architecture too."""
    own = _ids(architecture)
    for index, decorator in members(architecture.get("decorators")):
        prefix = f"/decorators/{index}"
        if not isinstance(decorator, dict):
            continue
        yield from _invalid(decorator, DECORATOR, schemas=schemas, prefix=prefix)
        read = decorator_of(decorator)
        known = own.union(*(_known(target, schemas) or () for target in read.targets))
        for name in read.applies_to:
            if name not in known:
                told = f"{name} is the unique-id of nothing in this architecture or its targets"
                yield Finding(code=DANGLING, path=f"{prefix}/applies-to", message=told)


def _invalid(
    decorator: JsonObject, url: str, *, schemas: Schemas, prefix: str
) -> Iterator[Finding]:
    try:
        faults = schemas.at(url).faults(decorator)
    except SchemaError as error:
        yield Finding(code=INVALID, path=prefix or "/", message=str(error))
        return
    for fault in faults:
        yield Finding(code=INVALID, path=prefix + fault.path or "/", message=fault.message)


def _dangling(decorator: Decorator, schemas: Schemas) -> Iterator[Finding]:
    """Names are looked for in the targets that are known; an unknown target may hold them all."""
    known: set[str] = set()
    is_whole = True
    for index, target in enumerate(decorator.targets):
        found = _known(target, schemas)
        if found is None:
            is_whole = False
            told = f"the target {target} is neither shipped, mapped nor beside the decorator"
            yield Finding(code=UNKNOWN_TARGET, path=f"/target/{index}", message=told)
        known |= found or set()
    for index, name in enumerate(decorator.applies_to):
        if is_whole and name not in known:
            told = f"{name} is the unique-id of nothing in the targets"
            yield Finding(code=DANGLING, path=f"/applies-to/{index}", message=told)


def _known(target: str, schemas: Schemas) -> set[str] | None:
    try:
        return _ids(schemas.library.document(target))
    except (CalmReferenceError, CalmDocumentError):
        return None


def _ids(document: JsonValue) -> set[str]:
    """Of an architecture's parts, or of a pattern's that are fixed."""
    ways = [(kind, ANY, "unique-id") for kind in _NAMED]
    found = [value for way in ways for value in values(document, *way)]
    for kind in ("nodes", "relationships"):
        item = ("properties", kind, "prefixItems", ANY)
        for branch in ((), ("oneOf", ANY), ("anyOf", ANY)):
            found += values(document, *item, *branch, "properties", "unique-id", "const")
    found += values(document, "nodes", ANY, "interfaces", ANY, "unique-id")
    return {value for value in found if isinstance(value, str)}


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
