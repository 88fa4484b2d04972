"""What ``metadata.holdfast`` of a CALM document may say, by where it stands.

What does not fit is somebody else's, whatever it is called: it is kept, and means nothing here.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pydantic import BaseModel, ValidationError

from holdfast.blueprint.exchange.memory import METADATA
from holdfast.blueprint.exchange.names import is_usable
from holdfast.blueprint.exchange.values import Object, is_writable
from holdfast.blueprint.facts import FlowFacts, NodeFacts, RelationshipFacts
from holdfast.blueprint.forms import BlueprintForm

FACTS = "facts"
ID = "id"
_IN_CALM = ("holdfast", "name", "description", "nodes", "relationships", "flows", "controls")
SYSTEM_FIELDS = tuple(
    name for name in BlueprintForm.model_fields if name not in (*_IN_CALM, METADATA, "adrs")
)
"""Fields of a blueprint that CALM has no word for, in the order of the form."""
_SMALLEST: Mapping[str, object] = MappingProxyType(
    {"holdfast": 1, "name": "-", "nodes": {"a": {"type": "system", "description": "-"}}}
)


def is_of_node(mine: Object) -> bool:
    return _is_of(mine, NodeFacts)


def is_of_relationship(mine: Object) -> bool:
    return _is_of(mine, RelationshipFacts)


def is_of_flow(mine: Object) -> bool:
    return _is_of(mine, FlowFacts)


def is_of_system(mine: Object) -> bool:
    """Whether a blueprint would take it as fields of its own."""
    fields = {name: value for name, value in mine.items() if name != METADATA}
    if not fields.keys() <= {*SYSTEM_FIELDS} or None in fields.values():
        return False
    return is_writable(fields) and _validates(BlueprintForm, {**_SMALLEST, **fields})


def _is_of(mine: Object, form: type[BaseModel]) -> bool:
    if not mine.keys() <= {FACTS, ID, METADATA}:
        return False
    name = mine.get(ID, "x")
    facts = mine.get(FACTS, {})
    return (
        isinstance(name, str) and is_usable(name) and is_writable(facts) and _validates(form, facts)
    )


def _validates(form: type[BaseModel], value: object) -> bool:
    try:
        form.model_validate(value)
    except ValidationError:
        return False
    return True


IsMine = Callable[[Object], bool]
