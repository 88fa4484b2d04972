"""Pydantic's errors, in plain words and with a fix."""

import typing
from collections.abc import Iterable
from types import UnionType

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from holdfast.blueprint.control_forms import ControlForm
from holdfast.blueprint.errors import Problem, suggestion
from holdfast.blueprint.forms import (
    BlueprintForm,
    NodeControlsForm,
    RelationshipControlsForm,
)
from holdfast.blueprint.source import Document, Path, Plain, dotted
from holdfast.blueprint.spelling import OWN_ERROR


def _own_controls(path: Path) -> tuple[str, ...]:
    form = NodeControlsForm if path[0] == "nodes" else RelationshipControlsForm
    return tuple(form.model_fields)


def problem(
    document: Document, source: str, path: Path, *, what: str, fix: str, key: bool = False
) -> Problem:
    """An error at the value of ``path``, or at its key."""
    place = document.place(path, key=key)
    return Problem(
        file=source,
        line=place.line,
        column=place.column,
        where=dotted(path),
        what=what,
        fix=fix,
    )


def shape_problems(document: Document, source: str, error: ValidationError) -> Iterable[Problem]:
    """One problem for each thing wrong with the shape."""
    told: set[Path] = set()
    for detail in error.errors(include_url=False, include_context=True):
        path: Path = detail["loc"]
        stray = _stray_control(document, path)
        if stray is not None:
            if stray not in told:
                told.add(stray)
                yield _stray_problem(document, source, stray)
            continue
        what, fix = _words(document, detail)
        key = detail["type"] in {"missing", "extra_forbidden"}
        yield problem(document, source, path, what=what, fix=fix, key=key)


def _stray_control(document: Document, path: Path) -> Path | None:
    """The path of a key under ``controls`` that is neither ours nor shaped like a CALM control."""
    for depth, step in enumerate(path[:-1]):
        name = path[depth + 1]
        if step == "controls" and isinstance(name, str) and name not in _own_controls(path):
            value = document.at(path[: depth + 2])
            if not isinstance(value, dict) or "requirements" not in value:
                return path[: depth + 2]
    return None


def _stray_problem(document: Document, source: str, path: Path) -> Problem:
    name = str(path[-1])
    if path[0] == "relationships" and name in NodeControlsForm.model_fields:
        what, fix = f"`{name}` belongs to a node", "move it to the destination node's controls"
    elif path[0] == "nodes" and name in RelationshipControlsForm.model_fields:
        what = f"`{name}` belongs to a relationship"
        fix = "move it to the controls of the relationships over which the node is called"
    else:
        what = f"`{name}` is neither a control of Holdfast nor a CALM control"
        fix = suggestion(name, _own_controls(path), noun="control")
        fix += " A CALM control has `description` and `requirements`."
    return problem(document, source, path, what=what, fix=fix, key=True)


def _words(document: Document, detail: ErrorDetails) -> tuple[str, str]:
    path: Path = detail["loc"]
    context = detail.get("ctx", {})
    match detail["type"]:
        case _ if detail["type"] == OWN_ERROR:
            return str(context["what"]), str(context["fix"])
        case "missing":
            return _missing(path)
        case "extra_forbidden":
            known = _fields_at(path[:-1])
            return f"there is no field `{path[-1]}` here", suggestion(
                str(path[-1]), known, noun="field"
            )
        case "literal_error":
            return _literal(detail["input"], path)
        case "greater_than" | "greater_than_equal" | "less_than_equal" | "finite_number":
            return f"{detail['input']} is out of range", _range_fix(path)
        case "too_short" | "too_long" | "string_too_short" | "string_too_long":
            return _length(detail["type"], context, path)
        case _:
            found = "a value" if path[-1:] == ("api_key",) else described(document.at(path))
            kind = detail["type"]
            if kind == "float_type" and not _is_seconds(path):
                kind = "share_type"
            return _type_words(kind, found)


def described(value: Plain) -> str:
    """A value as a person would call it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the truth value {str(value).lower()}"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text `{value[:60]}`"
        case list():
            return "a list"
        case dict():
            return "a mapping"


_TYPES = {
    "string_type": ("text", "write text; put numbers and true/false in quotes"),
    "int_type": ("a whole number", "write digits only, without quotes or units"),
    "int_from_float": ("a whole number", "write digits only, without quotes or units"),
    "float_type": ("a number of seconds", "write a number without quotes or unit, such as 30"),
    "share_type": ("a number", "write a number without quotes, such as 0.5"),
    "bool_type": ("true or false", "write true or false, without quotes"),
    "list_type": ("a list", "write `[a, b]`, or one `- item` a line"),
    "dict_type": ("a mapping", "write `key: value` lines under it, indented"),
    "model_type": ("a mapping", "write `key: value` lines under it, indented"),
}


def _type_words(kind: str, found: str) -> tuple[str, str]:
    wanted, fix = _TYPES.get(kind, ("something else", "see the reference of the blueprint"))
    return f"must be {wanted}, but is {found}", fix


def _missing(path: Path) -> tuple[str, str]:
    name = str(path[-1])
    about = _descriptions_at(path[:-1]).get(name, "")
    return f"`{name}` is missing", f"add `{name}: ...`. {about}".rstrip()


_NOUNS = {"by": "way of routing", "per": "period"}


def _literal(value: object, path: Path) -> tuple[str, str]:
    if path == ("holdfast",):
        return f"format `{value}` is not one this Holdfast reads", "write `holdfast: 1`"
    known = _literals(_annotation_at(path))
    noun = _NOUNS.get(str(path[-1]), str(path[-1]))
    return f"`{value}` is not a {noun} known here", suggestion(str(value), known, noun=noun)


def _range_fix(path: Path) -> str:
    annotation = _annotation_at(path)
    bounds = dict(_bounds(annotation))
    if _unwrap(annotation) is int:
        return f"write a whole number from {bounds['ge']} to {bounds['le']}"
    low = f"more than {bounds['gt']:g}" if "gt" in bounds else f"at least {bounds['ge']:g}"
    return (
        f"write {'seconds' if _is_seconds(path) else 'a number'}: {low}, at most {bounds['le']:g}"
    )


def _is_seconds(path: Path) -> bool:
    return str(path[-1]).removesuffix("_max").endswith("_s")


def _bounds(annotation: object) -> Iterable[tuple[str, float]]:
    """What a number at a field may be: ``ge``, ``gt``, ``le`` with their values."""
    for word in typing.get_args(annotation):
        yield from _bounds(word)
    for rule in annotation.metadata if isinstance(annotation, FieldInfo) else ():
        for name in ("ge", "gt", "le"):
            if hasattr(rule, name):
                yield name, getattr(rule, name)


def _length(kind: str, context: dict[str, object], path: Path) -> tuple[str, str]:
    if path[-1] == "connects":
        return "must name exactly two nodes", "write `connects: [source, destination]`"
    bound = context.get("min_length") or context.get("max_length")
    if kind.endswith("too_short"):
        return "must not be empty", "fill it in, or remove it where it is optional"
    return f"is longer than {bound}", "shorten it"


def _annotation_at(path: Path) -> object:
    """The annotation of the form's field at ``path``; None where the form is open."""
    annotation: object = BlueprintForm
    for step in path:
        annotation = _inner(_unwrap(annotation), step)
    return annotation


def _inner(annotation: object, step: str | int) -> object:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            if step == (info.alias or name):
                return typing.Annotated[info.annotation, info]
        return ControlForm if "timeouts" in annotation.model_fields else None
    arguments = typing.get_args(annotation)
    return arguments[-1] if arguments else None


def _unwrap(annotation: object) -> object:
    """Without ``Annotated`` and ``| None``."""
    while True:
        origin = typing.get_origin(annotation)
        if origin in (typing.Annotated, UnionType, typing.Union):
            annotation = typing.get_args(annotation)[0]
        else:
            return annotation


def _literals(annotation: object) -> list[str]:
    return [str(value) for value in typing.get_args(_unwrap(annotation))]


def _descriptions_at(path: Path) -> dict[str, str]:
    """The fields of the form at ``path``, as written, with their descriptions."""
    form = _unwrap(_annotation_at(path))
    if not (isinstance(form, type) and issubclass(form, BaseModel)):
        return {}
    return {info.alias or name: info.description or "" for name, info in form.model_fields.items()}


def _fields_at(path: Path) -> list[str]:
    return list(_descriptions_at(path))
