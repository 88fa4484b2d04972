"""What Holdfast's controls demand of their settings, for whoever validates a CALM document."""

import json
from functools import cache

from pydantic import TypeAdapter

from holdfast.blueprint.exchange.controls import REQUIREMENT, VALUE, is_mapping
from holdfast.blueprint.exchange.values import Object
from holdfast.blueprint.forms import NodeControlsForm, RelationshipControlsForm

_FIELDS = {**NodeControlsForm.model_fields, **RelationshipControlsForm.model_fields}


def requirement(url: str) -> bytes | None:
    """The JSON Schema of what ``config`` must be under a ``requirement-url`` of Holdfast's; None
    for any other URL. Fit to be asked by ``calm.Library`` for documents."""
    name = url.removeprefix(REQUIREMENT)
    known = url.startswith(REQUIREMENT) and name in _FIELDS
    return json.dumps(_schema(name)).encode() if known else None


@cache
def _schema(name: str) -> Object:
    info = _FIELDS[name]
    assert info.annotation is not None
    setting: Object = TypeAdapter[object](info.annotation).json_schema(by_alias=True)
    definitions = setting.pop("$defs", {})
    if not is_mapping(name):
        setting = {"type": "object", "properties": {VALUE: setting}, "required": [VALUE]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Settings of Holdfast's control `{name}`",
        "description": info.description,
        **setting,
        "$defs": definitions,
    }
