"""What was found in a document, and where: the reference's findings and, marked, our own."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from holdfast.core import JsonObject

Segment: TypeAlias = str | int
Path: TypeAlias = tuple[Segment, ...]
Level: TypeAlias = Literal["error", "warning"]

OURS_PREFIX = "holdfast-"
"""Every code of a finding that the reference does not know begins with it."""
MESSAGES_JOINED_MAX = 8
"""Messages that one finding joins; the others of its place are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing at one place. ``path`` is a JSON pointer, ``/`` the whole document."""

    code: str
    path: str
    message: str
    level: Level = "error"

    @property
    def is_ours(self) -> bool:
        return self.code.startswith(OURS_PREFIX)

    def under(self, prefix: str) -> "Finding":
        """The same finding in a document that stands at ``prefix`` of another."""
        return replace(self, path=prefix if self.path == "/" else prefix + self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The verdict on one document.

    ``errors`` and ``warnings`` are what the reference finds, one for each code and place, and
    errors of ours where the reference gives no verdict at all. ``ours`` are findings that the
    reference does not make; they spoil the verdict of a strict report only.
    """

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    ours: tuple[Finding, ...]

    @property
    def is_valid(self) -> bool:
        return not self.errors

    def strict(self) -> "Report":
        """The same report with our findings among the errors."""
        return Report(errors=self.errors + self.ours, warnings=self.warnings, ours=())

    def as_json(self) -> JsonObject:
        return {
            "valid": self.is_valid,
            "errors": [_as_json(each) for each in self.errors],
            "warnings": [_as_json(each) for each in self.warnings],
            "holdfast": [_as_json(each) for each in self.ours],
        }


def _as_json(finding: Finding) -> JsonObject:
    return {"code": finding.code, "path": finding.path, "message": finding.message}


def reported(findings: Iterable[Finding], ours: Iterable[Finding] = ()) -> Report:
    """One finding for each code and place, in order of place."""
    merged = _merged(findings)
    return Report(
        errors=tuple(each for each in merged if each.level == "error"),
        warnings=tuple(each for each in merged if each.level == "warning"),
        ours=_merged(ours),
    )


def _merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    places: dict[tuple[str, str, Level], dict[str, None]] = {}
    for each in findings:
        places.setdefault((each.code, each.path, each.level), {})[each.message] = None
    return tuple(
        Finding(code=code, path=path, level=level, message=_joined(list(messages)))
        for (code, path, level), messages in places.items()
    )


def _joined(messages: list[str]) -> str:
    told = "; ".join(messages[:MESSAGES_JOINED_MAX])
    rest = len(messages) - MESSAGES_JOINED_MAX
    return f"{told}; and {rest} more" if rest > 0 else told


def pointer(path: Iterable[Segment]) -> str:
    """The place as lint findings name it: segments as they are, joined by ``/``."""
    return "/" + "/".join(str(segment) for segment in path)
