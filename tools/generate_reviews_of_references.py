"""Writes docs/architecture/review-of-references.md: CALM's own architectures, reviewed.

python tools/generate_reviews_of_references.py          write it
python tools/generate_reviews_of_references.py --check  say whether it is out of date
"""

import sys
from pathlib import Path

from reference_pages import ROOT, note, settle, table

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "conformance")]

from reviewed_references import broken, counts  # noqa: E402 - found by the path set above

PAGE = ROOT / "docs" / "architecture" / "review-of-references.md"
INTRODUCTION = """# Reviews of reference architectures

Every valid architecture among the [judged CALM documents](calm-conformance.md), taken over as
`holdfast calm import` does and held against all [rules](rules.md), without evidence. These documents say
who calls whom, and little else: no facts, no effects, no replicas. So few judgements are a finding, and
most say what would decide them. That is meant: what nobody told is unknown, neither good nor bad.

`holdfast review architecture.json` does the same with any CALM document.
"""


def text() -> str:
    """The whole page."""
    head = ("architecture", "nodes", "relationships", "broken", "undecided", "in order")
    found = ("architecture", "rule", "what is broken", "how to mend it")
    parts = (
        note(Path(__file__).name),
        INTRODUCTION,
        table(head, list(counts())),
        "## What is broken\n",
        table(found, [(name, f"[`{rule}`](rules.md#{rule.lower()})", *more)
                      for name, rule, *more in broken()]),
    )  # fmt: skip
    return "\n".join(parts)


if __name__ == "__main__":
    raise SystemExit(settle(PAGE, text()))
