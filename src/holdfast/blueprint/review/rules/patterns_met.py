"""GV: detailed architectures against the patterns they were promised to meet."""

from collections.abc import Iterator

from holdfast.blueprint import Node
from holdfast.blueprint.review.documents import UnreadableDocumentError, misfits
from holdfast.blueprint.review.evidence import EvidenceKind
from holdfast.blueprint.review.rule import Case, Judgement, Rule, broken, holds, undecided

PATTERN = "required-pattern"
DETAIL = "detailed-architecture"
"""Keys of a node's metadata: the two fields of CALM's ``details``."""


def _unmet(case: Case) -> Iterator[Judgement]:
    for node in case.system.nodes.values():
        if node.labels.get(PATTERN):
            yield _met(case, node)


def _met(case: Case, node: Node) -> Judgement:
    at = f"nodes.{node.id}.metadata"
    if not node.labels.get(DETAIL):
        return broken(
            node.id,
            at,
            what=f"`{node.id}` must meet {node.labels[PATTERN]}, and has no detailed architecture",
            fix=f"draw it, and name it under `metadata.{DETAIL}`",
        )
    documents = case.evidence.documents or {}
    pattern, detail = (documents.get(str(node.labels[key])) for key in (PATTERN, DETAIL))
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
