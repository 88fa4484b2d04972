"""Prints how our verdicts on judged CALM documents agree with the reference's.

    python tools/calm_conformance.py                 the table, and every disagreement
    python tools/calm_conformance.py --write-docs    and renew docs/architecture/calm-conformance.md

Exits with 1 where anything disagrees. The data stands in ``tests/conformance/calm``.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "conformance")]

from calm_cases import (  # noqa: E402 - found by the path set above
    Case,
    agrees,
    cases,
    compared_cases,
    generated_cases,
    judged,
    library,
)

from holdfast.blueprint.calm import (  # noqa: E402 - as above
    Report,
    choices_for,
    compare,
    compare_patterns,
    generate,
    read_document,
)
from holdfast.core import jcs  # noqa: E402 - as above

PAGE = ROOT / "docs" / "architecture" / "calm-conformance.md"
AGAINST = {
    "schema-ref": "its own `$schema`",
    "core-1.2": "`core.json` of 1.2",
    "pattern-only": "lint and compilation",
    "pattern-file": "a pattern",
    "json-schema": "one schema",
}
INTRODUCTION = """# CALM: agreement with the reference

The reference is the validator of FINOS CALM (`finos/architecture-as-code`, CLI 1.56.0). Each
document below was judged by it; a row agrees where the verdict, every code and every place of an
error and of a warning are the same. Where the reference breaks off without a verdict, ours must be
negative and say why. The documents stand in `tests/conformance/calm/data`; what is checked stands
in [CALM documents](calm.md). Renew this page with `make calm-conformance`.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One case and how it went."""

    case: Case
    report: Report

    @property
    def agrees(self) -> bool:
        return agrees(self.case, self.report)

    @property
    def reference(self) -> str:
        return "breaks off" if self.case.crashed else _word(is_valid=self.case.is_valid)


def _word(*, is_valid: bool) -> str:
    return "valid" if is_valid else "not valid"


def rows() -> list[Row]:
    """Every judged case."""
    return [Row(case, judged(case)) for case in cases()]


def generated() -> list[tuple[str, bool]]:
    """Every pattern with the architecture that is expected of it."""
    told: list[tuple[str, bool]] = []
    for name, file, expected, first, override in generated_cases():
        pattern = read_document(file.read_bytes(), name=name)
        choices = choices_for(pattern, {}, first_otherwise=True) if first else None
        made = generate(pattern, library(override, file.parent), choices=choices)
        told.append((name, jcs(made.architecture) == jcs(json.loads(expected.read_text("utf-8")))))
    return told


def compared() -> list[tuple[str, bool]]:
    """Every pair with the report that is expected of it."""
    return [
        (name, jcs((compare_patterns if are_patterns else compare)(a, b).as_json) == jcs(expected))
        for name, a, b, expected, are_patterns in compared_cases()
    ]


def summary(
    judged_rows: list[Row], made: list[tuple[str, bool]], pairs: list[tuple[str, bool]]
) -> Iterator[str]:
    """Counts by what documents were held against."""
    yield "| held against | documents | valid | not valid | the reference breaks off | agree |"
    yield "|---|---:|---:|---:|---:|---:|"
    groups: dict[str, list[Row]] = {}
    for row in judged_rows:
        groups.setdefault(row.case.against.partition(":")[0], []).append(row)
    for word, group in groups.items():
        yield _counts(AGAINST[word], group)
    yield _counts("**all**", judged_rows)
    yield ""
    for noun, results in (("generate", made), ("diff", pairs)):
        yield f"`{noun}`: {sum(ok for _, ok in results)} of {len(results)} agree."


def _counts(name: str, group: list[Row]) -> str:
    crashed = sum(row.case.crashed for row in group)
    valid = sum(row.case.is_valid for row in group)
    numbers = (len(group), valid, len(group) - valid - crashed, crashed)
    told = " | ".join(str(number) for number in numbers)
    return f"| {name} | {told} | {sum(row.agrees for row in group)} |"


def page(judged_rows: list[Row], summed: list[str]) -> str:
    """The whole page."""
    lines = [INTRODUCTION, *summed, "", "## Every document", ""]
    lines += ["| document | held against | reference | here | agrees |", "|---|---|---|---|---|"]
    for row in judged_rows:
        against = AGAINST[row.case.against.partition(":")[0]]
        ours, agreed = _word(is_valid=row.report.is_valid), "yes" if row.agrees else "**no**"
        name = row.case.name.replace(" @ ", "` and `")
        lines.append(f"| `{name}` | {against} | {row.reference} | {ours} | {agreed} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Judge, print, and renew the page where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-docs", action="store_true")
    write = parser.parse_args().write_docs
    judged_rows, made, pairs = rows(), generated(), compared()
    summed = list(summary(judged_rows, made, pairs))
    print("\n".join(summed))
    bad = [row.case.name for row in judged_rows if not row.agrees]
    bad += [name for name, ok in (*made, *pairs) if not ok]
    for name in bad:
        print(f"disagrees: {name}")
    if write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(judged_rows, summed), "utf-8")
    return int(bool(bad))


if __name__ == "__main__":
    raise SystemExit(main())
