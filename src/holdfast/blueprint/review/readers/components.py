"""Bills of materials of AI systems: CycloneDX 1.6 in JSON (ECMA-424).

A component is about the node that its property ``holdfast:node`` names, else the one whose id is its
``bom-ref`` or its name. CycloneDX has no words for whether a signature was verified, where provenance
is attested, or how a model is serialised: the properties ``holdfast:signed``, ``holdfast:provenance``
and ``holdfast:format`` say so. A signature in the component itself, an external reference of type
``attestation`` and the end of its file's name count too.
"""

from collections.abc import Collection, Iterator

from holdfast.blueprint.review.errors import EvidenceError
from holdfast.blueprint.review.evidence import Component
from holdfast.blueprint.review.readers.documents import ROWS_MAX, read_rows
from holdfast.core import JsonObject, JsonValue, NodeId

_SERIALISED = (".safetensors", ".gguf", ".onnx", ".pkl", ".pickle", ".pt", ".pth", ".bin", ".h5",
               ".keras", ".joblib", ".npy", ".npz", ".tflite", ".ckpt")  # fmt: skip
_ALGORITHMS = {"SHA-256": "sha256"}
_ATTESTING = ("attestation", "certification-report")


def read_components(text: str, *, source: str, nodes: Collection[str]) -> tuple[Component, ...]:
    """Every component at any depth, in the order of the file."""
    found: list[Component] = []
    for row in read_rows(text, source=source):
        if row.get("bomFormat") != "CycloneDX":
            raise EvidenceError(
                f"{source} is no CycloneDX document",
                fix="give a bill of materials in CycloneDX JSON: `bomFormat: CycloneDX`",
            )
        found.extend(_component(each, nodes) for each in _all(row))
    return tuple(found)


def _all(bom: JsonObject) -> Iterator[JsonObject]:
    waiting = list(reversed(_objects(bom.get("components"))))
    count = 0
    while waiting:
        component = waiting.pop()
        count += 1
        if count > ROWS_MAX:
            raise EvidenceError(f"there are more than {ROWS_MAX} components", fix="split the file")
        yield component
        waiting.extend(reversed(_objects(component.get("components"))))


def _objects(value: JsonValue) -> list[JsonObject]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _component(written: JsonObject, nodes: Collection[str]) -> Component:
    properties = {
        str(each.get("name")): str(each.get("value"))
        for each in _objects(written.get("properties"))
    }
    name = str(written.get("name", ""))
    return Component(
        name=name,
        kind=str(written.get("type", "")),
        node=_node(properties, written, name, nodes),
        digest=_digest(written),
        signed=_truth(properties.get("holdfast:signed"), default="signature" in written),
        provenance=_truth(properties.get("holdfast:provenance"), default=_is_attested(written)),
        format=properties.get("holdfast:format") or _format(name),
    )


def _node(
    properties: dict[str, str], written: JsonObject, name: str, nodes: Collection[str]
) -> NodeId | None:
    for word in (properties.get("holdfast:node"), written.get("bom-ref"), name):
        if isinstance(word, str) and word in nodes:
            return NodeId(word)
    return None


def _digest(written: JsonObject) -> str | None:
    for each in _objects(written.get("hashes")):
        algorithm = _ALGORITHMS.get(str(each.get("alg")))
        if algorithm is not None:
            return f"{algorithm}:{str(each.get('content')).lower()}"
    return None


def _truth(word: str | None, *, default: bool) -> bool | None:
    """What a property says; where there is none, only what shows itself is known."""
    match (word or "").lower():
        case "true":
            return True
        case "false":
            return False
        case _:
            return True if default else None


def _is_attested(written: JsonObject) -> bool:
    references = _objects(written.get("externalReferences"))
    return any(each.get("type") in _ATTESTING for each in references)


def _format(name: str) -> str | None:
    return next((end.lstrip(".") for end in _SERIALISED if name.lower().endswith(end)), None)
