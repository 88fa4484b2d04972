"""Where models answer: what a document says of it, and what stands in until somebody does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from holdfast.blueprint.exchange.controls import REQUIREMENT
from holdfast.blueprint.exchange.kinds import parts
from holdfast.blueprint.exchange.nodes import our_type
from holdfast.blueprint.exchange.values import Object, objects, texts
from holdfast.blueprint.kinds import NodeKind, kind_of
from holdfast.blueprint.source import Plain
from holdfast.blueprint.spelling import check_url, is_loopback, split_url

PLACEHOLDER = "http://127.0.0.1:8000/v1"
"""Of a model whose address is said nowhere: nothing leaves this machine by mistake."""
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Where calls to a model go, and what somebody should look at."""

    upstream: Object
    note: str


def answers(document: Object) -> Mapping[str, Answer]:
    """By CALM's id: the models that are called and that do not say in Holdfast's words where they
    answer, nor are made of others that answer for them."""
    models = {
        str(node.get("unique-id")): node
        for node in parts(document, "nodes")
        if kind_of(our_type(node.get("node-type"))) is NodeKind.MODEL
    }
    said = {str(node.get("unique-id")) for node in parts(document, "nodes") if _says_upstream(node)}
    called: dict[str, list[Object]] = {}
    for end, relationship in _destinations(document):
        called.setdefault(end, []).append(relationship)
    silent = [name for name in models if name in called and name not in said]
    made_of = dict(_compositions(document))
    return {
        name: _answer(models[name], called[name])
        for name in silent
        if not any(part in said or part in silent for part in made_of.get(name, ()))
    }


def _says_upstream(node: Object) -> bool:
    controls = node.get("controls")
    control = controls.get("upstream") if isinstance(controls, dict) else None
    listed = objects(control.get("requirements")) if isinstance(control, dict) else []
    return any(item.get("requirement-url") == f"{REQUIREMENT}upstream" for item in listed)


def _links(document: Object, kind: str) -> Iterator[tuple[Object, Object]]:
    for item in parts(document, "relationships"):
        link = item.get("relationship-type")
        inside = link.get(kind) if isinstance(link, dict) else None
        if isinstance(inside, dict):
            yield inside, item


def _destinations(document: Object) -> Iterator[tuple[str, Object]]:
    for link, relationship in _links(document, "connects"):
        source, end = link.get("source"), link.get("destination")
        node = end.get("node") if isinstance(end, dict) else None
        itself = isinstance(source, dict) and source.get("node") == node
        if isinstance(node, str) and not itself:
            yield node, relationship


def _compositions(document: Object) -> Iterator[tuple[str, list[str]]]:
    for link, _ in _links(document, "composed-of"):
        container = link.get("container")
        if isinstance(container, str):
            yield container, texts(link.get("nodes")) or []


def _answer(node: Object, relationships: list[Object]) -> Answer:
    """The first address of an interface that a call may go to, those named by callers first."""
    refused = ""
    for interface in _by_use(node, relationships):
        for url in _addresses(interface, relationships):
            fault = _fault(url)
            if fault is None:
                note = f"{url} is what its interface says; see that it is the API's base URL"
                return Answer(upstream={"url": url}, note=note)
            refused = f" Its interface says {url}, but {fault}."
    note = f"no usable address is said: write where it answers in place of {PLACEHOLDER}.{refused}"
    return Answer(upstream={"url": PLACEHOLDER}, note=note)


def _by_use(node: Object, relationships: list[Object]) -> list[Object]:
    used: set[str] = set()
    for item in relationships:
        link = item.get("relationship-type")
        connects = link.get("connects") if isinstance(link, dict) else None
        end = connects.get("destination") if isinstance(connects, dict) else None
        used.update(texts(end.get("interfaces")) or () if isinstance(end, dict) else ())
    return sorted(
        objects(node.get("interfaces")), key=lambda item: item.get("unique-id") not in used
    )


def _addresses(interface: Object, relationships: list[Object]) -> Iterator[str]:
    config = interface.get("config")
    for told in (interface, config if isinstance(config, dict) else {}):
        host, port = told.get("host") or told.get("hostname"), told.get("port")
        for url in (told.get("url"), told.get("value")):
            if isinstance(url, str) and "://" in url:
                yield url
        if isinstance(host, str) and "://" in host:
            yield host
        elif isinstance(host, str) and host:
            scheme = _scheme(port, relationships)
            shown = "" if port is None or port == _PORTS[scheme] else f":{port}"
            yield f"{scheme}://{host}{shown}"


def _scheme(port: Plain, relationships: list[Object]) -> str:
    """Encrypted, unless callers say plainly that it is not."""
    plain = all(item.get("protocol") == "HTTP" for item in relationships)
    return "http" if plain and port != _PORTS["https"] else "https"


def _fault(url: str) -> str | None:
    try:
        check_url(url)
    except PydanticCustomError:
        return "that is no URL of an API"
    _, address, _ = split_url(url)
    if not address.tls and not is_loopback(address.host):
        return "calls would travel unencrypted: use https, or accept it by `insecure_plain_http`"
    return None
