"""A file's text becomes a blueprint, or every problem with it at once."""

from collections.abc import Callable, Iterator

from holdfast.blueprint.architecture import Blueprint
from holdfast.blueprint.budgets import budget_problems
from holdfast.blueprint.checks import relation_problems
from holdfast.blueprint.consistency import consistency_problems
from holdfast.blueprint.console_checks import console_problems
from holdfast.blueprint.draft import Draft, draft
from holdfast.blueprint.errors import BlueprintError, Problem, in_file_order
from holdfast.blueprint.fallbacks import fallback_problems
from holdfast.blueprint.implementing import control_problems
from holdfast.blueprint.journeys import flow_problems
from holdfast.blueprint.layout import layout_of
from holdfast.blueprint.objective_checks import objective_problems
from holdfast.blueprint.parts import PolicyFile
from holdfast.blueprint.placement import placement_problems
from holdfast.blueprint.servers import server_problems
from holdfast.blueprint.settings import setting_problems
from holdfast.blueprint.settling import settle
from holdfast.blueprint.source import BYTES_MAX, Document, Path, Plain, read_large_json, read_yaml
from holdfast.blueprint.spelling import policy_name_fault
from holdfast.core import HoldfastError


def load(text: str, *, source: str, read: Callable[[str], str], signed: bool = False) -> Blueprint:
    """The blueprint in ``text``; ``BlueprintError`` with every problem when it has any.

    ``source`` is the file's name for messages. ``read`` gives the text of a policy file by its
    name in the blueprint and may fail with ``OSError``, ``UnicodeError`` or a ``HoldfastError``;
    nothing else is read. ``signed`` says that somebody who may has signed this very text: only then
    may it name programs to start.
    """
    blueprint, problems = _judge(text, source=source, read=read, signed=signed)
    if blueprint is None:
        raise BlueprintError(source, problems=problems)
    return blueprint


def load_large(text: str, *, source: str, read: Callable[[str], str]) -> Blueprint:
    """For analyses alone: the same from JSON that may be larger than any file people write (64 MiB).

    Programs to start are read without a signature, because nothing is started; problems and parts
    have no lines.
    """
    document = read_large_json(text, source=source)
    blueprint, problems = _judge_document(document, text, source=source, read=read, signed=True)
    if blueprint is None:
        raise BlueprintError(source, problems=problems)
    return blueprint


def check(
    text: str, *, source: str, read: Callable[[str], str], signed: bool = False
) -> tuple[Problem, ...]:
    """Every problem and warning, in file order; none means nothing to say."""
    return _judge(text, source=source, read=read, signed=signed)[1]


def _judge(
    text: str, *, source: str, read: Callable[[str], str], signed: bool
) -> tuple[Blueprint | None, tuple[Problem, ...]]:
    document = read_yaml(text, source=source)
    return _judge_document(document, text, source=source, read=read, signed=signed)


def _judge_document(
    document: Document, text: str, *, source: str, read: Callable[[str], str], signed: bool
) -> tuple[Blueprint | None, tuple[Problem, ...]]:
    if document.data is None and document.problems:
        return None, in_file_order(document.problems)
    if _is_calm(document.data):
        return None, (_to_be_imported(source),)
    found, problems = draft(document, source=source)
    problems = [*document.problems, *problems]
    problems.extend(relation_problems(found))
    layout = layout_of(found.nodes, found.relationships)
    problems.extend(setting_problems(found, layout))
    problems.extend(control_problems(found))
    problems.extend(server_problems(found, layout, signed=signed))
    problems.extend(consistency_problems(found, layout))
    problems.extend(placement_problems(found, layout))
    problems.extend(fallback_problems(found, layout))
    problems.extend(budget_problems(found, layout))
    problems.extend(objective_problems(found, layout))
    problems.extend(flow_problems(found))
    problems.extend(console_problems(found))
    policies, unread = _policies(found, read, ("policies",))
    own, unread_own = _policies(found, read, ("console", "policies"))
    problems.extend((*unread, *unread_own))
    ordered = in_file_order(problems)
    if found.whole is None or any(problem.severity == "error" for problem in problems):
        return None, ordered
    settled = settle(
        found.whole,
        layout,
        text=text,
        policies=policies,
        console_policies=own,
        warnings=ordered,
    )
    return settled, ordered


def _is_calm(written: Plain) -> bool:
    """Whether it is an architecture of CALM: all its fields would be wrong here."""
    if not isinstance(written, dict) or "holdfast" in written:
        return False
    nodes = written.get("nodes")
    listed = nodes if isinstance(nodes, list) else ()
    return any(isinstance(node, dict) and "unique-id" in node for node in listed)


def _to_be_imported(source: str) -> Problem:
    return Problem(
        file=source,
        line=1,
        column=1,
        where="",
        what="this is an architecture of CALM, not a blueprint",
        fix=f"make a blueprint of it: holdfast calm import {source} -o holdfast.yaml",
    )


def _policies(
    found: Draft, read: Callable[[str], str], under: Path
) -> tuple[tuple[PolicyFile, ...], list[Problem]]:
    policies: dict[str, PolicyFile] = {}
    problems: list[Problem] = []
    for index, name in _policy_names(found.document.at(under)):
        path = (*under, index)
        if name in policies:
            what = f"`{name}` is named twice"
            problems.append(found.problem(path, what=what, fix="keep one of the two"))
            continue
        text, why = _read(name, read)
        policies[name] = PolicyFile(name=name, text=text)
        if why:
            fix = "create it beside the blueprint, or remove it from policies"
            problems.append(found.problem(path, what=f"`{name}` {why}", fix=fix))
    return tuple(policies.values()), problems


def _policy_names(written: Plain) -> Iterator[tuple[int, str]]:
    """Those that are well written; the others are told already."""
    for index, name in enumerate(written if isinstance(written, list) else ()):
        if isinstance(name, str) and policy_name_fault(name) is None:
            yield index, name


def _read(name: str, read: Callable[[str], str]) -> tuple[str, str]:
    """The text, and why it cannot be used when it cannot."""
    try:
        text = read(name)
    except FileNotFoundError:
        return "", "does not exist"
    except OSError as error:
        return "", f"cannot be read: {error.strerror or error}"
    except UnicodeError:
        return "", "is not UTF-8 text"
    except HoldfastError as error:
        return "", f"cannot be read: {error.what}"
    if len(text) > BYTES_MAX:
        return "", f"is larger than {BYTES_MAX} bytes"
    return text, ""
