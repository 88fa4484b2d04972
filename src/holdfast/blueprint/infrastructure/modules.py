"""The list of approved modules, and whether a module that a plan uses is on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from holdfast.blueprint import Plain, Problem, read_yaml
from holdfast.blueprint.infrastructure.errors import ModulesError
from holdfast.blueprint.infrastructure.plan import ModuleCall
from holdfast.blueprint.infrastructure.versions import Span, read_constraint

LIST_MAX = 1000
_REGISTRY = "registry.terraform.io/"


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_Word = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class _ModuleForm(_Form):
    """A module, and its versions that may be used."""

    source: _Word = Field(description="As in `source`, without `?ref=`; `*` stands for anything.")
    versions: _Word | None = Field(
        default=None, description="A version constraint, such as `>= 5.1, < 6`. Default: any."
    )
    refs: Annotated[list[_Word], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="For git: tags or commits that may stand in `?ref=`."
    )


class _ApprovedForm(_Form):
    """Modules from which infrastructure may be made, and what may stand outside of them."""

    modules: Annotated[list[_ModuleForm], Field(max_length=LIST_MAX)]
    outside: Annotated[list[_Word], Field(max_length=LIST_MAX)] = Field(
        default=[], description="Types of resources that need no module; `aws_iam_*` for many."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedModule:
    """One entry. ``span`` and ``refs`` None: any version."""

    source: str
    versions: str | None
    span: Span | None
    refs: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedModules:
    """The whole list."""

    modules: tuple[ApprovedModule, ...]
    outside: tuple[str, ...]

    def may_stand_alone(self, resource_type: str) -> bool:
        return any(fnmatchcase(resource_type, each) for each in self.outside)


def read_modules(text: str, *, source: str) -> ApprovedModules:
    """The list in ``text`` (YAML); ``ModulesError`` with all that is wrong with it."""
    document = read_yaml(text, source=source)
    if document.problems:
        raise ModulesError(source, problems=tuple(document.problems))
    try:
        form = _ApprovedForm.model_validate(document.data)
    except ValidationError as error:
        problems = tuple(_problems(error, document.data, source))
        raise ModulesError(source, problems=problems) from None
    return ApprovedModules(
        modules=tuple(_approved(each, source) for each in form.modules),
        outside=tuple(form.outside),
    )


def _problems(error: ValidationError, data: Plain, source: str) -> Iterator[Problem]:
    for each in error.errors():
        where = ".".join(str(step) for step in each["loc"])
        yield Problem(
            file=source, line=1, column=1, where=where, what=each["msg"],
            fix="see docs/architecture/infrastructure.md",
        )  # fmt: skip
    if data is None:
        yield Problem(
            file=source, line=1, column=1, where="", what="says nothing", fix="list modules"
        )


def _approved(form: _ModuleForm, source: str) -> ApprovedModule:
    span = None if form.versions is None else read_constraint(form.versions)
    if form.versions is not None and span is None:
        raise ModulesError(source, what=f"`{form.versions}` is no version constraint")
    return ApprovedModule(
        source=_plain(form.source)[0],
        versions=form.versions,
        span=span,
        refs=None if form.refs is None else frozenset(form.refs),
    )


def _plain(source: str) -> tuple[str, str | None]:
    """A source without its reference, and the reference; registry addresses in their short form."""
    bare, _, query = source.partition("?")
    ref = next((each[4:] for each in query.split("&") if each.startswith("ref=")), None)
    return bare.removeprefix(_REGISTRY), ref


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleVerdict:
    """Whether a module may be used as it is; None: it hangs on which version is taken."""

    approved: bool | None
    what: str = ""
    fix: str = ""


_FINE = ModuleVerdict(approved=True)


def judge_module(call: ModuleCall, approved: ApprovedModules) -> ModuleVerdict:
    source, ref = _plain(call.source)
    if _is_part_of_module(call):
        return _FINE
    entries = [each for each in approved.modules if fnmatchcase(source, each.source)]
    if not entries:
        return ModuleVerdict(
            approved=False,
            what=f"`{call.source}` is on no list of approved modules",
            fix="use an approved module, or have this one approved",
        )
    verdicts = [_judge_version(call, ref, entry) for entry in entries]
    best = next((each for each in verdicts if each.approved), None)
    return best or next((each for each in verdicts if each.approved is None), verdicts[0])


def _is_part_of_module(call: ModuleCall) -> bool:
    """Whether it is a folder within a module: that module was judged as a whole."""
    is_local = call.source.startswith(("./", "../"))
    return is_local and call.address.count("module.") > 1


def _judge_version(call: ModuleCall, ref: str | None, entry: ApprovedModule) -> ModuleVerdict:
    if entry.refs is not None and entry.span is None:
        return _judge_ref(call, ref, entry.refs)
    if entry.span is None:
        return _FINE
    written = call.constraint or ref
    span = None if written is None else read_constraint(written)
    fix = f"write a version within `{entry.versions}`"
    if span is None:
        what = f"`{call.source}` names no version, so any may be taken"
        if written is not None:
            what = f"`{written}` is no version, so it cannot be held against `{entry.versions}`"
        return ModuleVerdict(approved=None if written is None else False, what=what, fix=fix)
    if entry.span.covers(span):
        return _FINE
    if entry.span.meets(span):
        what = f"`{written}` also lets versions through that are not approved (`{entry.versions}`)"
        return ModuleVerdict(approved=None, what=what, fix=fix)
    what = f"`{written}` is not approved; approved is `{entry.versions}`"
    return ModuleVerdict(approved=False, what=what, fix=fix)


def _judge_ref(call: ModuleCall, ref: str | None, refs: frozenset[str]) -> ModuleVerdict:
    if ref is not None and ref in refs:
        return _FINE
    what = f"`{call.source}` is at {f'`{ref}`' if ref else 'no fixed ref'}, which is not approved"
    fix = f"use one of: {', '.join(sorted(refs))}"
    return ModuleVerdict(approved=False, what=what, fix=fix)
