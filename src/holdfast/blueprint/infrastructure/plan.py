"""A Terraform or OpenTofu plan as its JSON form tells it (`terraform show -json`, format 1.x)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from holdfast.blueprint.infrastructure.errors import PlanError
from holdfast.core import JsonError, JsonObject, JsonValue, read_json

PLAN_BYTES_MAX = 128 * 1024 * 1024
RESOURCES_MAX = 100_000
MODULE_DEPTH_MAX = 32
_JSON_DEPTH_MAX = 128
_TOLD = frozenset({"resource_changes", "planned_values", "values", "terraform_version"})
_EMPTY: Mapping[str, JsonValue] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of the plan. ``values`` are those after it is applied (before it, of one that goes);
    ``unknown`` has the same shape and is true where a value is known only afterwards."""

    address: str
    module: str
    type: str
    name: str
    actions: tuple[str, ...]
    values: Mapping[str, JsonValue]
    unknown: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    @property
    def stays(self) -> bool:
        return self.actions != ("delete",)

    @property
    def is_destroyed(self) -> bool:
        """Also where it is made anew in the same step."""
        return "delete" in self.actions


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleCall:
    """A use of a module. ``address`` as in `module.db.module.inner`; ``constraint`` as written."""

    address: str
    source: str
    constraint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a plan says. ``regions`` are those that the providers' configuration states, by the
    provider's short name."""

    resources: tuple[Resource, ...]
    modules: tuple[ModuleCall, ...]
    regions: Mapping[str, str]


def is_plan(data: JsonValue) -> bool:
    return isinstance(data, dict) and "format_version" in data


def read_plan(text: str, *, source: str) -> Plan:
    """The plan (or the state) in ``text``; ``PlanError`` when it is none."""
    if len(text) > PLAN_BYTES_MAX:
        raise PlanError(f"{source} is larger than {PLAN_BYTES_MAX} bytes")
    fix = "make it with `terraform show -json PLANFILE`"
    try:
        data = read_json(text.encode(), depth_max=_JSON_DEPTH_MAX)
    except JsonError as error:
        raise PlanError(f"{source} is not JSON: {error.what}", fix=fix) from error
    if not isinstance(data, dict):
        raise PlanError(f"{source} is no plan", fix=fix)
    version = data.get("format_version")
    if not isinstance(version, str) or version.split(".")[0] != "1":
        raise PlanError(f"{source} has the format version {version!a}, not 1.x", fix=fix)
    if not data.keys() & _TOLD:
        raise PlanError(f"{source} is neither a plan nor a state", fix=fix)
    resources = tuple(_resources(data))
    if len(resources) > RESOURCES_MAX:
        raise PlanError(f"{source} has more than {RESOURCES_MAX} resources")
    configuration = _object(data, "configuration")
    return Plan(
        resources=resources,
        modules=tuple(_calls(_object(configuration, "root_module"), "", 0)),
        regions=dict(_regions(configuration)),
    )


def _object(data: Mapping[str, JsonValue], key: str) -> Mapping[str, JsonValue]:
    found = data.get(key)
    return found if isinstance(found, dict) else _EMPTY


def _objects(data: Mapping[str, JsonValue], key: str) -> Iterator[JsonObject]:
    found = data.get(key)
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict):
            yield each


def _text(data: Mapping[str, JsonValue], key: str) -> str:
    found = data.get(key)
    return found if isinstance(found, str) else ""


def _resources(data: JsonObject) -> Iterator[Resource]:
    if "resource_changes" in data:
        for each in _objects(data, "resource_changes"):
            if _text(each, "mode") == "managed":
                yield _changed(each)
        return
    # A state, or a plan cut down to its values: nothing changes.
    for key in ("planned_values", "values"):
        yield from _standing(_object(_object(data, key), "root_module"), "", 0)


def _changed(each: JsonObject) -> Resource:
    change = _object(each, "change")
    after = _object(change, "after")
    written = change.get("actions")
    actions = written if isinstance(written, list) else []
    return Resource(
        address=_text(each, "address"),
        module=_text(each, "module_address"),
        type=_text(each, "type"),
        name=_text(each, "name"),
        actions=tuple(str(action) for action in actions),
        values=after or _object(change, "before"),
        unknown=_object(change, "after_unknown"),
    )


def _standing(module: Mapping[str, JsonValue], address: str, depth: int) -> Iterator[Resource]:
    if depth > MODULE_DEPTH_MAX:
        raise PlanError(f"modules are nested deeper than {MODULE_DEPTH_MAX} levels")
    for each in _objects(module, "resources"):
        if _text(each, "mode") == "managed":
            yield Resource(
                address=_text(each, "address"),
                module=address,
                type=_text(each, "type"),
                name=_text(each, "name"),
                actions=("no-op",),
                values=_object(each, "values"),
            )
    for inner in _objects(module, "child_modules"):
        yield from _standing(inner, _text(inner, "address"), depth + 1)


def _calls(module: Mapping[str, JsonValue], above: str, depth: int) -> Iterator[ModuleCall]:
    if depth > MODULE_DEPTH_MAX:
        raise PlanError(f"modules are nested deeper than {MODULE_DEPTH_MAX} levels")
    for name, call in _object(module, "module_calls").items():
        if not isinstance(call, dict):
            continue
        address = f"{above}.module.{name}" if above else f"module.{name}"
        yield ModuleCall(
            address=address,
            source=_text(call, "source"),
            constraint=_text(call, "version_constraint") or None,
        )
        yield from _calls(_object(call, "module"), address, depth + 1)


def _regions(configuration: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Only where a provider is configured once: which of two a resource uses is not told."""
    seen: dict[str, set[str]] = {}
    for each in _object(configuration, "provider_config").values():
        if not isinstance(each, dict):
            continue
        said = _object(_object(each, "expressions"), "region").get("constant_value")
        seen.setdefault(_text(each, "name"), set()).add(said if isinstance(said, str) else "")
    for name, found in seen.items():
        if len(found) == 1 and "" not in found:
            yield name, next(iter(found))
