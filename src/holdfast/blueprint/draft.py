"""A blueprint under judgement: whatever of the file has the right shape, with places."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from holdfast.blueprint.errors import Problem, Severity
from holdfast.blueprint.forms import BlueprintForm, FlowForm, NodeForm, RelationshipForm
from holdfast.blueprint.source import Document, Path, Plain
from holdfast.blueprint.wording import problem, shape_problems

_Form = TypeVar("_Form", bound=BaseModel)
_UNKNOWN_TYPE = "x-unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """``whole`` is None while any shape is wrong; the parts that are right can be judged anyway.

    ``node_ids`` and ``relationship_ids`` count broken parts too, so that one mistake does not make
    every reference to that part look wrong.
    """

    document: Document
    source: str
    whole: BlueprintForm | None
    nodes: dict[str, NodeForm]
    relationships: dict[int, RelationshipForm]
    flows: dict[int, FlowForm]
    node_ids: dict[str, None]
    relationship_ids: dict[str, None]

    def problem(
        self,
        path: Path,
        *,
        what: str,
        fix: str,
        key: bool = False,
        severity: Severity = "error",
    ) -> Problem:
        found = problem(self.document, self.source, path, what=what, fix=fix, key=key)
        return replace(found, severity=severity)


def draft(document: Document, *, source: str) -> tuple[Draft, list[Problem]]:
    """What can be judged further, and what is wrong with the shape."""
    problems: list[Problem] = []
    whole: BlueprintForm | None = None
    try:
        whole = BlueprintForm.model_validate(document.data)
    except ValidationError as error:
        problems.extend(shape_problems(document, source, error))
    if whole is None:
        return _in_parts(document, source), problems
    return _all_of(whole, document, source), problems


def _all_of(whole: BlueprintForm, document: Document, source: str) -> Draft:
    """Every part was judged with the whole."""
    relationships = whole.relationships or ()
    return Draft(
        document=document,
        source=source,
        whole=whole,
        nodes=dict(whole.nodes),
        relationships=dict(enumerate(relationships)),
        flows=dict(enumerate(whole.flows or ())),
        node_ids=dict.fromkeys(whole.nodes),
        relationship_ids=dict.fromkeys(form.id for form in relationships),
    )


def _in_parts(document: Document, source: str) -> Draft:
    nodes, relationships, flows = (
        document.at((name,)) for name in ("nodes", "relationships", "flows")
    )
    return Draft(
        document=document,
        source=source,
        whole=None,
        nodes=dict(_named(NodeForm, nodes)),
        relationships=dict(_numbered(RelationshipForm, relationships)),
        flows=dict(_numbered(FlowForm, flows)),
        node_ids=dict.fromkeys(nodes) if isinstance(nodes, dict) else {},
        relationship_ids=dict.fromkeys(_ids(relationships)),
    )


def _named(form: type[_Form], items: Plain) -> Iterator[tuple[str, _Form]]:
    for key, item in items.items() if isinstance(items, dict) else ():
        if (found := _validated(form, item)) is not None:
            yield key, found


def _numbered(form: type[_Form], items: Plain) -> Iterator[tuple[int, _Form]]:
    for index, item in enumerate(items) if isinstance(items, list) else ():
        if (found := _validated(form, item)) is not None:
            yield index, found


# What may stand in for a broken field while the rest is judged. A field that is not here takes its
# whole part out of judgement, because a stand-in would raise complaints that are not true.
_STAND_INS: dict[type[BaseModel], dict[str, Plain]] = {
    NodeForm: {
        "type": _UNKNOWN_TYPE,
        "name": None,
        "description": "-",
        "controls": None,
        "metadata": None,
    },
    RelationshipForm: {"protocol": None, "description": None, "controls": None, "metadata": None},
    FlowForm: {"name": "-", "description": "-"},
}


def _validated(form: type[_Form], item: Plain) -> _Form | None:
    """The part, broken fields replaced where that is harmless; its faults are told elsewhere."""
    try:
        return form.model_validate(item)
    except ValidationError as error:
        broken = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
    fields = {info.alias or name for name, info in form.model_fields.items()}
    stand_ins = _STAND_INS[form]
    if not isinstance(item, dict) or broken & fields - stand_ins.keys():
        return None
    if form is RelationshipForm and broken - fields and not item.keys() & {*RelationshipForm.LINKS}:
        return None  # the unknown field may well be the misspelt link
    mended = {key: value for key, value in item.items() if key in fields}
    mended.update((name, stand_ins[name]) for name in sorted(broken & fields))
    if "controls" in broken and form is NodeForm:
        mended["type"] = _UNKNOWN_TYPE  # or a model would seem to lack the upstream it has
    return form.model_validate(mended)


def _ids(items: Plain) -> Iterator[str]:
    for item in items if isinstance(items, list) else ():
        name = item.get("id") if isinstance(item, dict) else None
        if isinstance(name, str):
            yield name
