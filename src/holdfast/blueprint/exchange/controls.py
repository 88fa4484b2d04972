"""Controls: those of CALM as they are, those of Holdfast as CALM controls with their settings.

``urn:holdfast:control:NAME`` is the requirement that Holdfast's control NAME meets; its ``config``
holds the settings as they are written in a blueprint.
"""

import json
from collections.abc import Collection, Mapping

from pydantic import ValidationError

from holdfast.blueprint.control_forms import ControlForm
from holdfast.blueprint.exchange.names import slug
from holdfast.blueprint.exchange.values import Object, is_writable, objects, pack, same, unpack
from holdfast.blueprint.fields import LIST_MAX, NAME_MAX
from holdfast.blueprint.forms import NodeControlsForm, RelationshipControlsForm
from holdfast.blueprint.source import Plain

REQUIREMENT = "urn:holdfast:control:"
"""Before the name of a control of Holdfast, in ``requirement-url``."""
NODE_CONTROLS = frozenset(NodeControlsForm.model_fields)
RELATIONSHIP_CONTROLS = frozenset(RelationshipControlsForm.model_fields)
IMPLEMENTED_BY = "implemented-by"
_URL, _CONFIG, _CONFIG_URL = "requirement-url", "config", "config-url"
_NAMED = "holdfast"
"""In a requirement's ``config``: which control of Holdfast implements it."""
VALUE = "value"
"""In ``config``: a setting that is no mapping."""


def our_controls(
    raw: Object, *, known: Collection[str], aside: Collection[str] = ()
) -> tuple[Object, list[Plain]]:
    """The controls as a blueprint writes them, and what to remember of them.

    ``known`` are the names of Holdfast's own controls in this place, ``aside`` those of CALM's that
    a blueprint does not take.
    """
    settings = {
        name: setting
        for name, control in raw.items()
        if name in known and name not in aside
        if (setting := _setting(name, control)) is not None
    }
    found: Object = dict(settings)
    memory: list[Plain] = []
    for name, control in raw.items():
        if name in settings:
            if not same(_written(name, settings[name]), control):
                memory.append({"name": name, "as": name, "is": pack(control)})
            continue
        ours = None if name in aside or len(found) >= LIST_MAX else _our(control, settings)
        if ours is None:
            memory.append({"name": pack(name), "is": pack(control)})
            continue
        used = _usable(name, taken={*known, *found, *(raw.keys() - {name})})
        found[used] = ours
        if used != name or not same(_their(ours, settings), control):
            memory.append({"name": pack(name), "as": used, "is": pack(control)})
    memory.sort(key=json.dumps)
    return found, memory


def their_controls(controls: Object, memory: Plain, *, known: Collection[str]) -> Object:
    """The controls as CALM writes them: as remembered, where that still says what stands here."""
    settings = {
        name: value for name, value in controls.items() if name in known and value is not None
    }
    found: Object = {}
    remembered: dict[str, tuple[str, Plain]] = {}
    for entry in objects(memory):
        name, used, control = unpack(entry.get("name")), entry.get("as"), unpack(entry.get("is"))
        if not isinstance(name, str):
            continue
        if isinstance(used, str):
            remembered[used] = name, control
        else:
            found[name] = control
    for used, value in controls.items():
        if used in known and value is None:
            continue
        name, control = remembered.get(used, (used, None))
        if used in settings:
            still = control is not None and same(_setting(used, control), value)
            found[used] = control if still else _written(used, value)
        elif isinstance(value, dict):
            ours = _our(control, settings) if control is not None else None
            still = ours is not None and same(_their(ours, settings), _their(value, settings))
            found[name] = control if still else _their(value, settings)
    return found


def _setting(name: str, control: Plain) -> Plain:
    """What a control of Holdfast says, where ``control`` is one; else None."""
    listed = objects(control.get("requirements")) if isinstance(control, dict) else []
    if len(listed) != 1 or listed[0].get(_URL) != f"{REQUIREMENT}{name}":
        return None
    config = listed[0].get(_CONFIG)
    if not isinstance(config, dict) or not is_writable(config):
        return None
    return config[VALUE] if config.keys() == {VALUE} else config


def is_mapping(name: str) -> bool:
    """Whether the settings of a control of Holdfast are a mapping; else they stand under ``value``."""
    return name != "criticality"


def _written(name: str, setting: Plain) -> Object:
    apart = not isinstance(setting, dict) or setting.keys() == {VALUE}
    config: Plain = {VALUE: setting} if apart else setting
    return {
        "description": f"Enforced by Holdfast: {name}.",
        "requirements": [{_URL: f"{REQUIREMENT}{name}", _CONFIG: config}],
    }


def _our(control: Plain, settings: Mapping[str, Plain]) -> Object | None:
    """A CALM control as a blueprint writes it; None where it cannot."""
    required = control.get("requirements") if isinstance(control, dict) else None
    listed = objects(required)
    whole = isinstance(required, list) and len(listed) == len(required)
    if not isinstance(control, dict) or not whole or not is_writable(control):
        return None
    requirements: list[Plain] = [
        {key: item[key] for key in (_URL, _CONFIG, _CONFIG_URL) if item.get(key) is not None}
        for item in listed
    ]
    ours: Object = {"description": control.get("description"), "requirements": requirements}
    named = _named(listed, settings)
    written = control.get(IMPLEMENTED_BY)
    if written is not None and (written or not named):
        ours[IMPLEMENTED_BY] = written
    elif named and written is None:
        ours[IMPLEMENTED_BY] = named
    return ours if _is_control(ours) else None


def _their(ours: Object, settings: Mapping[str, Plain]) -> Object:
    """The inverse of ``_our``: what the requirements say already is not said again."""
    found: Object = {name: value for name, value in ours.items() if name != IMPLEMENTED_BY}
    listed = objects(ours.get("requirements"))
    found["requirements"] = [
        {key: value for key, value in item.items() if value is not None} for item in listed
    ]
    named = _named(listed, settings)
    written = ours.get(IMPLEMENTED_BY)
    if written is not None and not (named and same(written, named)):
        found[IMPLEMENTED_BY] = written
    elif written is None and named:
        found[IMPLEMENTED_BY] = []
    return found


def _named(listed: list[Object], settings: Mapping[str, Plain]) -> list[Plain]:
    """Controls of Holdfast that the requirements name in ``config.holdfast`` and that stand here."""
    found: dict[str, None] = {}
    for item in listed:
        config = item.get(_CONFIG)
        said = config.get(_NAMED) if isinstance(config, dict) else None
        for name in said if isinstance(said, list) else [said]:
            if isinstance(name, str) and name in settings:
                found[name] = None
    return list[Plain](found)


def _is_control(ours: Object) -> bool:
    try:
        form = ControlForm.model_validate(ours)
    except ValidationError:
        return False
    return all((item.config is None) != (item.config_url is None) for item in form.requirements)


def _usable(name: str, *, taken: Collection[str]) -> str:
    """A name that a blueprint takes for a CALM control."""
    fits = name.isascii() and name.replace("-", "").isalnum() and len(name) <= NAME_MAX
    if fits and name not in taken:
        return name
    stem = f"calm-{slug(name) or 'control'}"
    found, number = stem, 2
    while found in taken:
        found, number = f"{stem}-{number}", number + 1
    return found
