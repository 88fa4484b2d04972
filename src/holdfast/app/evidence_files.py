"""Evidence for reviews, from files: one place where every kind has its reader.

``holdfast review --evidence KIND=PATH``. A kind may be given several times where its pieces add up.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from holdfast.app.texts import read_text
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import Evidence, EvidenceError, EvidenceKind
from holdfast.blueprint.review.readers import read_changes, read_components, read_control_proofs

EVIDENCE_BYTES_MAX = 256 * 1024 * 1024

Given = Sequence[tuple[EvidenceKind, Path]]
"""Kinds and files in the order of the command line."""


def evidence_from(given: Given, system: System) -> Evidence:
    """All that the files say; ``EvidenceError`` or ``FileError`` when one cannot be used."""
    by_kind: dict[EvidenceKind, list[Path]] = {}
    for kind, path in given:
        by_kind.setdefault(kind, []).append(path)
    found = {kind.value: _READERS[kind](paths, system) for kind, paths in by_kind.items()}
    return Evidence(**found)  # pyright: ignore[reportArgumentType] - each reader gives its kind's


def split_word(word: str) -> tuple[EvidenceKind, Path]:
    """``KIND=PATH`` as a command line has it."""
    kind, sign, path = word.partition("=")
    if not sign or kind not in set(EvidenceKind) or not path:
        raise EvidenceError(
            f"`{word}` is no evidence",
            fix=f"write KIND=PATH; the kinds are {', '.join(EvidenceKind)}",
        )
    return EvidenceKind(kind), Path(path)


def read_evidence_text(path: Path) -> str:
    """A UTF-8 file of at most 256 MiB."""
    return read_text(path, EVIDENCE_BYTES_MAX, fix="split it")


def _controls(paths: Sequence[Path], system: System) -> object:
    return tuple(
        proof
        for path in paths
        for proof in read_control_proofs(
            read_evidence_text(path), source=str(path), blueprint=system.blueprint
        )
    )


def _components(paths: Sequence[Path], system: System) -> object:
    return tuple(
        component
        for path in paths
        for component in read_components(
            read_evidence_text(path), source=str(path), nodes=system.nodes
        )
    )


def _changes(paths: Sequence[Path], _: System) -> object:
    return tuple(
        change
        for path in paths
        for change in read_changes(read_evidence_text(path), source=str(path))
    )


def _documents(paths: Sequence[Path], _: System) -> object:
    """CALM's own schemas, which patterns refer to, and files by URL as ``holdfast calm --url-map``
    takes them."""
    from holdfast.app.calm_documents import mapped_files  # noqa: PLC0415 - only where asked for
    from holdfast.blueprint.calm import shipped, shipped_text  # noqa: PLC0415

    found = {url: shipped_text(url) for url in shipped()}
    for path in paths:
        found |= {url: read_evidence_text(file) for url, file in mapped_files(path).items()}
    return found


def _traces(paths: Sequence[Path], system: System) -> object:
    """What drift makes of files of traces: OTLP, Jaeger or Nezha."""
    from holdfast.app.sightings import seen_in_traces  # noqa: PLC0415 - only where asked for

    return seen_in_traces(paths, system)


def _calls(paths: Sequence[Path], system: System) -> object:
    """What the gateway's own records say: the paths are data directories."""
    from holdfast.app.sightings import seen_in_calls  # noqa: PLC0415 - only where asked for

    return seen_in_calls(paths, system)


def _workloads(paths: Sequence[Path], system: System) -> object:
    """Manifests of Kubernetes, from files and folders."""
    from holdfast.app.clusters import load_manifests  # noqa: PLC0415 - only where asked for
    from holdfast.blueprint.kubernetes import cluster_in, workloads_of  # noqa: PLC0415

    manifests = load_manifests(tuple(paths))
    found = workloads_of(manifests, system, cluster=cluster_in(manifests, system.blueprint))
    if not found.by_node:  # saying nothing of any node, they would seem to have settled them all
        raise EvidenceError(
            f"no workload in {', '.join(map(str, paths))} belongs to a node",
            fix="label pods `app.kubernetes.io/name: NODE`, or say in the node's "
            "`metadata.kubernetes.labels` how they are labelled",
        )
    return found


_READERS: Mapping[EvidenceKind, Callable[[Sequence[Path], System], object]] = {
    EvidenceKind.CONTROLS: _controls,
    EvidenceKind.COMPONENTS: _components,
    EvidenceKind.CHANGES: _changes,
    EvidenceKind.DOCUMENTS: _documents,
    EvidenceKind.TRACES: _traces,
    EvidenceKind.CALLS: _calls,
    EvidenceKind.WORKLOADS: _workloads,
}
