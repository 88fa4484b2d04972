"""SC: artefacts that are loaded, and the bill of materials that lists them."""

from collections.abc import Iterable, Iterator

from holdfast.blueprint import Node
from holdfast.blueprint.review.evidence import Component, EvidenceKind
from holdfast.blueprint.review.knowledge.dependence import fact_of, models_of
from holdfast.blueprint.review.rule import Case, Judgement, Rule, broken, holds, undecided
from holdfast.core import NodeId

LOADED = frozenset({"machine-learning-model", "model", "adapter", "container", "lora"})
"""Kinds of component that are loaded and run."""
PARTS = frozenset({"machine-learning-model", "model", "adapter", "mcp-server", "tool", "agent"})
"""Kinds of component that a blueprint must have a node for."""
UNSAFE = frozenset(
    {"pickle", "pkl", "pt", "pth", "pytorch", "ckpt", "joblib", "dill", "h5", "hdf5", "keras"}
)
"""Formats whose reading may run what they hold."""
SAFE = frozenset({"safetensors", "gguf", "ggml", "onnx", "tflite", "arrow", "parquet", "json"})


def _loaded_here(node: Node) -> bool | None:
    """Whether its artefact is ours to check: what another party runs, that party loads."""
    match node.facts.trust:
        case "owned":
            return True
        case None:
            return None
        case _:
            return False


def _components(case: Case) -> dict[NodeId, list[Component]]:
    found: dict[NodeId, list[Component]] = {}
    for component in case.evidence.components or ():
        if component.node is not None:
            found.setdefault(component.node, []).append(component)
    return found


def _of_artefacts(case: Case) -> Iterator[tuple[Node, list[Component] | Judgement]]:
    """Each node that loads an artefact, with its components, or why they are not known."""
    known = _components(case)
    models = {node.id: node for node in models_of(case.system)}
    others = {name: case.system.nodes[name] for name in known if name in case.system.nodes}
    for name, node in {**models, **others}.items():
        loaded = [each for each in known.get(name, ()) if each.kind in LOADED]
        if loaded:
            yield node, loaded
        elif name in models and _loaded_here(node) is not False:
            missing = [EvidenceKind.COMPONENTS.value]
            if node.facts.trust is None:
                missing.append(fact_of(name, "trust"))
            yield node, undecided(name, fact_of(name, "model"), missing=tuple(missing))


def _unsigned(case: Case) -> Iterator[Judgement]:
    for node, loaded in _of_artefacts(case):
        yield loaded if isinstance(loaded, Judgement) else _signature(node, loaded)


def _signature(node: Node, loaded: Iterable[Component]) -> Judgement:
    at = fact_of(node.id, "model")
    bad = [part for part in loaded if part.signed is False and part.provenance is not True]
    bad += [part for part in loaded if part.provenance is False and part.signed is None]
    if bad:
        names = ", ".join(f"`{part.name}`" for part in bad)
        return broken(
            node.id,
            at,
            what=f"{names} has neither a verified signature nor an attestation",
            fix="sign it where it is built, and verify the signature before it is loaded",
        )
    if all(part.signed or part.provenance for part in loaded):
        return holds(node.id, at)
    return undecided(node.id, at, missing=(EvidenceKind.COMPONENTS.value,))


def _deserialised(case: Case) -> Iterator[Judgement]:
    for node, loaded in _of_artefacts(case):
        yield loaded if isinstance(loaded, Judgement) else _format(node, loaded)


def _format(node: Node, loaded: Iterable[Component]) -> Judgement:
    at = fact_of(node.id, "model")
    formats = {part.name: (part.format or "").lower().lstrip(".") for part in loaded}
    unsafe = {name: kind for name, kind in formats.items() if kind in UNSAFE}
    if unsafe:
        told = ", ".join(f"`{name}` ({kind})" for name, kind in sorted(unsafe.items()))
        return broken(
            node.id,
            at,
            what=f"reading {told} may run code that is hidden in it",
            fix="convert it to safetensors, GGUF or ONNX, and refuse the others",
        )
    if all(kind in SAFE for kind in formats.values()):
        return holds(node.id, at)
    return undecided(node.id, at, missing=(EvidenceKind.COMPONENTS.value,))


def _bill(case: Case) -> Iterator[Judgement]:
    models = {node.id: node for node in models_of(case.system)}
    if case.evidence.components is None:
        if models:
            yield undecided("", "nodes", missing=(EvidenceKind.COMPONENTS.value,))
        return
    for component in case.evidence.components:
        if component.kind in PARTS and (component.node not in case.system.nodes):
            yield broken(
                "",
                "nodes",
                what=f"the bill of materials has `{component.name}`, which no node declares",
                fix="declare a node for it, or take it out of what is deployed",
            )
    known = _components(case)
    for name, node in models.items():
        yield _listed(node, known.get(name, ()))


def _listed(node: Node, components: Iterable[Component]) -> Judgement:
    at = fact_of(node.id, "model")
    of_model = [part for part in components if part.kind in PARTS]
    if not of_model:
        return broken(
            node.id,
            at,
            what=f"`{node.id}` is not in the bill of materials",
            fix="have the bill made from what is deployed, hosted models among it",
        )
    declared = node.facts.model.digest if node.facts.model is not None else None
    digests = {part.digest for part in of_model if part.digest is not None}
    if declared is not None and digests and declared not in digests:
        return broken(
            node.id,
            f"{at}.digest",
            what=f"the bill of materials has other weights of `{node.id}` than are declared",
            fix="find out which is right; declare that digest, or roll the other back",
        )
    return holds(node.id, at)


RULES: tuple[Rule, ...] = (
    Rule(
        id="SC-02",
        title="Artefacts that are loaded have a verified origin",
        severity="high",
        why="Weights, adapters and images carry back doors that no test of behaviour finds. A "
        "verified signature or attestation is the only thing that tells yours from an attacker's.",
        mend="Sign at the build, verify before loading, and keep the attestation.",
        sources=(
            "OWASP LLM03:2025",
            "MITRE ATLAS AML.M0013",
            "MITRE ATLAS AML.M0014",
            "CoSAI riskAdapterPEFTInjection",
        ),
        judge=_unsigned,
        needs=(EvidenceKind.COMPONENTS,),
    ),
    Rule(
        id="SC-03",
        title="The bill of materials and the blueprint tell of the same parts",
        severity="medium",
        why="A model in production that nobody declared is one that nobody reviewed. A declared one "
        "that the bill lacks is out of reach of any search for vulnerable parts.",
        mend="Make the bill of materials from what is deployed and compare it at every release.",
        sources=("MITRE ATLAS AML.M0023", "CycloneDX ML-BOM"),
        judge=_bill,
        needs=(EvidenceKind.COMPONENTS,),
    ),
    Rule(
        id="SC-06",
        title="No artefact is read by a loader that runs what it reads",
        severity="high",
        why="Pickled weights are programs: reading them runs them, with the rights of the model "
        "server. Formats that hold only numbers cost nothing.",
        mend="Convert to safetensors, GGUF or ONNX and let the loader refuse everything else.",
        sources=("CoSAI riskMaliciousLoaderDeserialization", "MITRE ATLAS AML.M0011"),
        judge=_deserialised,
        needs=(EvidenceKind.COMPONENTS,),
    ),
)
