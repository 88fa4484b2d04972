"""What a document of CALM is, and whether its parts can be told apart at all."""

from collections.abc import Iterator, Mapping

from holdfast.blueprint.calm import Kind, kind_of_document
from holdfast.blueprint.exchange.errors import ExchangeError, NotAnArchitectureError
from holdfast.blueprint.exchange.values import Object
from holdfast.blueprint.source import Plain

_PARTS = ("nodes", "relationships", "flows")


def architecture(document: Plain) -> Object:
    """The document, where it is an architecture whose parts have ids; else an error that says what
    it is, and which command takes it."""
    if not isinstance(document, dict):
        fix = "give the JSON document of one architecture"
        raise ExchangeError("the document is no JSON object", fix=fix)
    kind = kind_of_document(document)
    if kind != "architecture":
        raise NotAnArchitectureError(f"a {kind}", fix=_FIXES[kind])
    if not document.keys() & {"nodes", "relationships"}:
        fix = "give a CALM architecture: it has `nodes` and `relationships`"
        raise NotAnArchitectureError("no document that CALM knows", fix=fix)
    for part in _PARTS:
        _check_part(document, part)
    _check_ids(document)
    return document


_FIXES: Mapping[Kind, str] = {
    "timeline": "read it with `holdfast calm timeline FILE`; import the architecture of a moment",
    "pattern": "make an architecture of it with `holdfast calm generate FILE`, then import that",
    "decorator": "check it with `holdfast calm validate FILE`; import the architecture it is about",
}


def _check_part(document: Object, part: str) -> None:
    listed = document.get(part, [])
    if not isinstance(listed, list):
        raise ExchangeError("must be a list", fix="mend the document", pointer=f"/{part}")
    for index, item in enumerate(listed):
        if not isinstance(item, dict) or not isinstance(item.get("unique-id"), str):
            fix = "see all that is wrong with `holdfast calm validate FILE`"
            what = "has no `unique-id`"
            raise ExchangeError(what, fix=fix, pointer=f"/{part}/{index}")


def _check_ids(document: Object) -> None:
    """Nodes, interfaces and relationships share a namespace."""
    seen: dict[str, str] = {}
    for name, pointer in ids(document):
        if name in seen:
            what = f"the unique-id `{name}` is taken by {seen[name]}"
            raise ExchangeError(what, fix="give each part an id of its own", pointer=pointer)
        seen[name] = pointer


def ids(document: Object) -> Iterator[tuple[str, str]]:
    """Ids of nodes, their interfaces and relationships, in order, with where they stand."""
    for index, node in enumerate(parts(document, "nodes")):
        yield str(node.get("unique-id")), f"/nodes/{index}"
        listed = node.get("interfaces")
        for number, item in enumerate(listed if isinstance(listed, list) else ()):
            name = item.get("unique-id") if isinstance(item, dict) else None
            if isinstance(name, str):
                yield name, f"/nodes/{index}/interfaces/{number}"
    for index, item in enumerate(parts(document, "relationships")):
        yield str(item.get("unique-id")), f"/relationships/{index}"


def parts(document: Object, name: str) -> list[Object]:
    """The objects of one of the document's lists."""
    listed = document.get(name)
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
