"""Controls of an architecture: each configuration held against its requirement's schema."""

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.blueprint.calm.errors import CalmDocumentError, CalmReferenceError
from holdfast.blueprint.calm.findings import Finding
from holdfast.blueprint.calm.model import is_modelled
from holdfast.blueprint.calm.references import at
from holdfast.blueprint.calm.schemas import Schema, SchemaError, Schemas
from holdfast.blueprint.calm.selecting import below, members
from holdfast.blueprint.calm.values import truthy
from holdfast.core import JsonObject, JsonValue

CODE = "control-requirement-validation"
LEGACY_CODE = "control-legacy-naming"
UNREAD_CODE = "holdfast-control-config-unread"
_LEGACY = "control-requirement-url"


@dataclass(frozen=True, slots=True)
class _Detail:
    """One requirement of one control, and where it stands."""

    path: str
    detail: JsonObject


def check_controls(
    architecture: JsonObject, *, pattern: JsonValue, schemas: Schemas
) -> Iterator[Finding]:
    """Findings of the reference, and ours for configurations that it leaves unread."""
    if _is_legacy(architecture):
        yield Finding(
            code=LEGACY_CODE,
            path="/",
            level="warning",
            message=f"{_LEGACY} is the old name of requirement-url; such controls go unchecked",
        )
    if not is_modelled(architecture):
        return
    for each in _details(architecture):
        url = each.detail.get("requirement-url")
        if isinstance(url, str) and url:
            yield from _check(each, url=url, pattern=pattern, schemas=schemas)


def _is_legacy(architecture: JsonObject) -> bool:
    if _LEGACY in architecture:
        return True
    return any(
        value == _LEGACY or (isinstance(value, dict) and _LEGACY in value)
        for _, value in below(architecture, where=lambda value: isinstance(value, dict | str))
    )


def _details(architecture: JsonObject) -> Iterator[_Detail]:
    """Those at the top, then of nodes, relationships and flows."""
    yield from _held(architecture, "")
    for kind in ("nodes", "relationships", "flows"):
        for index, part in members(architecture.get(kind)):
            yield from _held(part, f"/{kind}/{index}")


def _held(holder: JsonValue, prefix: str) -> Iterator[_Detail]:
    controls = holder.get("controls") if isinstance(holder, dict) else None
    for name, control in members(controls):
        requirements = control.get("requirements") if isinstance(control, dict) else None
        for index, detail in members(requirements):
            if isinstance(detail, dict):
                yield _Detail(f"{prefix}/controls/{name}/requirements/{index}", detail)


def _check(each: _Detail, *, url: str, pattern: JsonValue, schemas: Schemas) -> Iterator[Finding]:
    try:
        requirement = _requirement(url, pattern=pattern, schemas=schemas)
        config = _config(each.detail, schemas=schemas)
        if isinstance(config, _Unread):
            yield Finding(code=UNREAD_CODE, path=each.path, message=config.message, level="warning")
            return
        if not truthy(requirement) or not truthy(config):
            return
        schema = _compiled(requirement, url=url, schemas=schemas)
    except SchemaError as error:
        yield Finding(code=CODE, path=each.path, message=error.what)
        return
    for fault in schema.faults(config):
        yield Finding(code=CODE, path=each.path + fault.path, message=fault.message)


def _requirement(url: str, *, pattern: JsonValue, schemas: Schemas) -> JsonValue:
    if not url.startswith("#"):
        return schemas.document(url)
    if pattern is None:
        raise SchemaError(f"{url} points into a pattern, and there is none")
    try:
        return at(pattern, url[1:])
    except LookupError as error:
        raise SchemaError(f"{url} leads nowhere in the pattern") from error


def _compiled(requirement: JsonValue, *, url: str, schemas: Schemas) -> Schema:
    try:
        return schemas.compile(requirement)
    except SchemaError as error:
        raise SchemaError(f"the requirement {url} cannot judge: {error.what}") from error


@dataclass(frozen=True, slots=True)
class _Unread:
    message: str


def _config(detail: JsonObject, *, schemas: Schemas) -> JsonValue | _Unread:
    """An unmapped configuration is left unread, as the reference does with its map alone."""
    if "config-url" not in detail:
        return detail.get("config")
    url = detail["config-url"]
    if not isinstance(url, str) or not url:
        return None
    try:
        return schemas.library.document(url)
    except CalmReferenceError as error:
        return _Unread(f"{error.what}, so this configuration is not checked; {error.fix}")
    except CalmDocumentError as error:
        raise SchemaError(f"the configuration {url} cannot be read: {error.what}") from error
