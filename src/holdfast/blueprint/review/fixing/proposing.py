"""The patches of findings, made into one change of the written file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from holdfast.blueprint import Plain, read_yaml
from holdfast.blueprint.review.errors import PatchError
from holdfast.blueprint.review.findings import Finding
from holdfast.blueprint.review.fixing.differing import changes_between, same
from holdfast.blueprint.review.fixing.editing import edited
from holdfast.blueprint.review.fixing.patching import patched
from holdfast.blueprint.review.rule import Patch


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A finding whose patches cannot be made, and why."""

    finding: Finding
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """``text`` is the file with the patches of ``made``; ``notes`` are what a person must fill in
    or decide, each with the place it is about."""

    text: str
    made: tuple[Finding, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def fix_of(
    text: str, findings: Iterable[Finding], *, source: str, fault: Callable[[str], str | None]
) -> Fix:
    """The file with every patch that fits. ``fault`` says why a text is no blueprint, or None: a
    patch that makes it none, alone or with those before it, is left out."""
    document = read_yaml(text, source=source)
    if document.problems:
        raise PatchError(f"{source} cannot be changed", fix=str(document.problems[0]))
    mending = [finding for finding in findings if finding.judgement.patches]
    work = _Work(text, document.data, source, fault)
    work.take(mending)
    notes = [
        f"{'.'.join(map(str, patch.path))}: {patch.note}"
        for finding in work.made
        for patch in finding.judgement.patches
        if patch.note
    ]
    return Fix(
        text=work.text,
        made=tuple(work.made),
        left_out=tuple(work.left_out),
        notes=tuple(dict.fromkeys(notes)),
    )


class _Work:
    """Patches taken together where that goes, else by halves, so that few texts are tried."""

    def __init__(
        self, text: str, data: Plain, source: str, fault: Callable[[str], str | None]
    ) -> None:
        self.text = text
        self.made: list[Finding] = []
        self.left_out: list[LeftOut] = []
        self._written = text
        self._data = data
        self._source = source
        self._fault = fault

    def take(self, findings: Sequence[Finding]) -> None:
        if not findings:
            return
        why = self._try(findings)
        if why is None:
            self.made.extend(findings)
        elif len(findings) == 1:
            self.left_out.append(LeftOut(finding=findings[0], why=why))
        else:
            middle = len(findings) // 2
            self.take(findings[:middle])
            self.take(findings[middle:])

    def _try(self, findings: Sequence[Finding]) -> str | None:
        """None when these go with those made so far; the text is then theirs too."""
        patches = [p for f in (*self.made, *findings) for p in f.judgement.patches]
        try:
            text = text_with(self._written, self._data, patches, source=self._source)
        except PatchError as error:
            return error.what
        why = self._fault(text)
        if why is None:
            self.text = text
        return why


def text_with(text: str, data: Plain, patches: Iterable[Patch], *, source: str) -> str:
    """The text with the patches written into it; read again, so that it says what they mean."""
    wanted = patched(data, patches)
    written = edited(text, changes_between(data, wanted))
    found = read_yaml(written, source=source)
    if found.problems or not same(found.data, wanted):
        raise PatchError("the file's layout leaves no room for the patch", fix="make it by hand")
    return written


def difference(old: str, new: str, *, source: str) -> str:
    """A unified diff, as ``git apply`` and ``patch -p1`` take it."""
    lines = unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{source}", f"b/{source}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
