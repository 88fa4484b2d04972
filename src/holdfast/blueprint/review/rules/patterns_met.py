"""GV: detailed architectures against the patterns they were promised to meet."""

from collections.abc import Iterator

from holdfast.blueprint import Node
from holdfast.blueprint.review.documents import UnreadableDocumentError, misfits
from holdfast.blueprint.review.evidence import EvidenceKind
from holdfast.blueprint.review.rule import Case, Judgement, Rule, broken, holds, undecided


def _unmet(case: Case) -> Iterator[Judgement]:
    for node in case.system.nodes.values():
        if node.details.required_pattern is not None:
            yield _met(case, node, promised=node.details.required_pattern)


def _met(case: Case, node: Node, *, promised: str) -> Judgement:
    at = f"nodes.{node.id}.details"
    drawn = node.details.detailed_architecture
    if drawn is None:
        return broken(
            node.id,
            at,
            what=f"`{node.id}` must meet {promised}, and has no detailed architecture",
            fix="draw it, and name it under `details.detailed-architecture`",
        )
    documents = case.evidence.documents or {}
    pattern, detail = documents.get(promised), documents.get(drawn)
    if pattern is None or detail is None:
        return undecided(node.id, at, missing=(EvidenceKind.DOCUMENTS.value,))
    try:
        wrong = misfits(detail, pattern, documents=documents)
    except UnreadableDocumentError as error:
        missing = (EvidenceKind.DOCUMENTS.value,)
        return undecided(node.id, at, missing=missing, what=str(error))
    if not wrong:
        return holds(node.id, at)
    return broken(
        node.id,
        at,
        what=f"the detailed architecture of `{node.id}` does not meet its pattern: {wrong[0]}",
        fix="bring it back within the pattern, or have another pattern approved for it",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="GV-05",
        title="A detailed architecture meets the pattern it was promised to",
        severity="high",
        why="A pattern is a promise that others build upon: its controls, its walls. A part that "
        "left the pattern has none of them, and still bears the name.",
        mend="Validate detailed architectures against their patterns in the pipeline.",
        sources=("FINOS CALM required-pattern",),
        judge=_unmet,
        needs=(EvidenceKind.DOCUMENTS,),
    ),
)
