"""Whether the reference's object model can take an architecture at all.

Its checks of controls and of detailed architectures run on that model. What the model cannot take
it passes over in silence, so these checks then find nothing; the schema has told the fault.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from holdfast.blueprint.calm.values import truthy
from holdfast.core import JsonObject, JsonValue

_Fits: TypeAlias = Callable[[JsonValue], bool]


def is_modelled(architecture: JsonObject) -> bool:
    return (
        _all(architecture.get("nodes"), _node)
        and _all(architecture.get("relationships"), _relationship)
        and _optional(architecture.get("controls"), _controls)
        and _optional(architecture.get("flows"), _flows)
    )


def _all(value: JsonValue, fits: _Fits) -> bool:
    """Absent, or a list whose every item fits."""
    return value is None or (isinstance(value, list) and all(fits(each) for each in value))


def _optional(value: JsonValue, fits: _Fits) -> bool:
    return not truthy(value) or fits(value)


def _present(value: JsonValue) -> bool:
    return value is not None


def _node(node: JsonValue) -> bool:
    if not isinstance(node, dict):
        return node is not None
    return _optional(node.get("interfaces"), _interfaces) and _optional(
        node.get("controls"), _controls
    )


def _interfaces(interfaces: JsonValue) -> bool:
    return isinstance(interfaces, list) and all(_present(each) for each in interfaces)


def _controls(controls: JsonValue) -> bool:
    members: Iterable[JsonValue]
    match controls:
        case dict():
            members = controls.values()
        case list():
            members = controls
        case _:
            return True
    return all(_control(each) for each in members)


def _control(control: JsonValue) -> bool:
    if not isinstance(control, dict):
        return control is not None
    requirements = control.get("requirements")
    if not truthy(requirements):
        return True
    return isinstance(requirements, list) and all(
        isinstance(each, dict | list) for each in requirements
    )


def _relationship(relationship: JsonValue) -> bool:
    if not isinstance(relationship, dict):
        return False
    return _kind(relationship.get("relationship-type")) and _optional(
        relationship.get("controls"), _controls
    )


def _kind(kind: JsonValue) -> bool:
    """The first kind that is there counts, in this order."""
    if not isinstance(kind, dict):
        return False
    if truthy(kind.get("interacts")):
        return True
    if truthy(kind.get("connects")):
        return _connects(kind["connects"])
    if truthy(kind.get("deployed-in")) or truthy(kind.get("composed-of")):
        return True
    options = kind.get("options")
    return isinstance(options, list) and all(_present(each) for each in options)


def _connects(connects: JsonValue) -> bool:
    return isinstance(connects, dict) and all(
        connects.get(side) is not None for side in ("source", "destination")
    )


def _flows(flows: JsonValue) -> bool:
    return isinstance(flows, list) and all(_flow(each) for each in flows)


def _flow(flow: JsonValue) -> bool:
    if not isinstance(flow, dict):
        return flow is not None
    return _all(flow.get("transitions"), _present) and _optional(flow.get("controls"), _controls)
