"""Errors of a schema where the reference's validator puts them.

It tells every failing keyword; of a ``oneOf`` or ``anyOf`` that fails, also what failed in each
branch; of a condition, also the ``if`` whose ``then`` or ``else`` is broken; and of a list that is
too long for its ``prefixItems``, the list. Places inside ``contains`` and inside an
``unevaluatedItems`` or ``unevaluatedProperties`` that is a schema are told at their holder.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from jsonschema_rs import ValidationError, ValidationErrorKind

from holdfast.blueprint.calm.findings import Segment

MESSAGE_LENGTH_MAX = 400
"""Characters of one message; it quotes what the document says."""

_BY_NAME = frozenset(("properties", "patternProperties", "prefixItems"))
"""Followed by a name or an index, they lead one step into the instance."""
_INTO = frozenset(
    ("additionalProperties", "contains", "items", "unevaluatedItems", "unevaluatedProperties")
)
"""They lead one step into the instance."""
_BESIDE = frozenset(("allOf", "anyOf", "dependentSchemas", "oneOf"))
"""Followed by a name or an index, they stay where they are."""

_Place: TypeAlias = tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failing keyword; ``path`` is a JSON pointer, empty for the whole instance."""

    keyword: str
    path: str
    message: str


def faults_of(errors: Iterable[ValidationError]) -> list[Fault]:
    """What the validator found, as the reference tells it."""
    told = [each for error in errors for each in _spread(error)]
    firsts = {_list_of(error) for error in told if _is_item(error) and error.instance_path[-1] == 0}
    return [fault for error in told for fault in _faults(error, plain_lists=firsts)]


def _spread(error: ValidationError) -> Iterator[ValidationError]:
    """The error and those inside its branches."""
    yield error
    for branch in _branches(error.kind):
        for each in branch:
            yield from _spread(each)


def _branches(kind: ValidationErrorKind) -> Iterator[list[ValidationError]]:
    """Where two branches fit, the reference looks no further than the second of them."""
    match kind:
        case ValidationErrorKind.AnyOf() | ValidationErrorKind.OneOfNotValid():
            yield from kind.context
        case ValidationErrorKind.OneOfMultipleValid():
            fitting = 0
            for branch in kind.context:
                fitting += not branch
                if fitting > 1:
                    return
                yield branch
        case _:
            return


def _is_item(error: ValidationError) -> bool:
    """An item that ``items: false`` refuses."""
    is_false = isinstance(error.kind, ValidationErrorKind.FalseSchema)
    way = error.evaluation_path
    named = len(way) > 1 and way[-2] in _BY_NAME
    return is_false and bool(error.instance_path) and way[-1:] == ["items"] and not named


def _list_of(error: ValidationError) -> tuple[_Place, _Place]:
    return tuple(error.evaluation_path), tuple(error.instance_path[:-1])


def _faults(error: ValidationError, *, plain_lists: set[tuple[_Place, _Place]]) -> Iterator[Fault]:
    for place in _conditions(error):
        message = "breaks what its condition asks for"
        yield Fault(keyword="if", path=_pointer(place), message=message)
    if _is_item(error) and _list_of(error) not in plain_lists:
        path = _pointer(error.instance_path[:-1])
        yield Fault(keyword="items", path=path, message="has more items than are allowed")
        return
    keyword, path = _keyword(error), _pointer(error.instance_path)
    yield Fault(keyword=keyword, path=path, message=_message(error))


def _conditions(error: ValidationError) -> Iterator[Sequence[Segment]]:
    """The place in the instance of each condition on the way to the error."""
    way, index, depth = error.evaluation_path, 0, 0
    while index < len(way):
        word = way[index]
        if word in ("then", "else"):
            yield error.instance_path[:depth]
        depth += word in _BY_NAME or word in _INTO
        index += 2 if word in _BY_NAME or word in _BESIDE else 1


def _keyword(error: ValidationError) -> str:
    if not isinstance(error.kind, ValidationErrorKind.FalseSchema):
        return error.kind.name
    way = error.evaluation_path
    is_member = len(way) > 1 and way[-2] in _BY_NAME
    return str(way[-1]) if way and not is_member else "false schema"


def _message(error: ValidationError) -> str:
    told = error.message
    return told if len(told) <= MESSAGE_LENGTH_MAX else f"{told[:MESSAGE_LENGTH_MAX]}..."


def _pointer(path: Sequence[Segment]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
