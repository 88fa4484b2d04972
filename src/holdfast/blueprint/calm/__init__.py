"""Documents of FINOS CALM: checked, generated, compared and read.

Promises: the verdicts of the reference (its lint rules by their codes, its schemas, controls and
detailed architectures), and what it lets pass as findings of our own, marked by ``holdfast-``.
Nothing is ever fetched: documents come from the caller's ``Finder`` or are shipped. Work is bounded
and grows with the document.
"""

from holdfast.blueprint.calm.comparing import Difference, compare
from holdfast.blueprint.calm.comparing_patterns import compare_patterns
from holdfast.blueprint.calm.decorators import Decorator, decorator_of
from holdfast.blueprint.calm.errors import (
    CalmDocumentError,
    CalmError,
    CalmPatternError,
    CalmReferenceError,
    CalmTimelineError,
)
from holdfast.blueprint.calm.findings import OURS_PREFIX, Finding, Report
from holdfast.blueprint.calm.generating import Generated, choices_for, generate, questions
from holdfast.blueprint.calm.judging import Judge
from holdfast.blueprint.calm.library import CALM_BASE, CORE, Finder, Library, shipped, shipped_text
from holdfast.blueprint.calm.options import Choice, Option
from holdfast.blueprint.calm.reading import (
    DOCUMENT_BYTES_MAX,
    DOCUMENT_DEPTH_MAX,
    KINDS,
    Kind,
    kind_of_document,
    read_document,
    read_value,
)
from holdfast.blueprint.calm.timelines import Moment, Step, moments_of, step_between, steps_between

__all__ = [
    "CALM_BASE",
    "CORE",
    "DOCUMENT_BYTES_MAX",
    "DOCUMENT_DEPTH_MAX",
    "KINDS",
    "OURS_PREFIX",
    "CalmDocumentError",
    "CalmError",
    "CalmPatternError",
    "CalmReferenceError",
    "CalmTimelineError",
    "Choice",
    "Decorator",
    "Difference",
    "Finder",
    "Finding",
    "Generated",
    "Judge",
    "Kind",
    "Library",
    "Moment",
    "Option",
    "Report",
    "Step",
    "choices_for",
    "compare",
    "compare_patterns",
    "decorator_of",
    "generate",
    "kind_of_document",
    "moments_of",
    "questions",
    "read_document",
    "read_value",
    "shipped",
    "shipped_text",
    "step_between",
    "steps_between",
]
