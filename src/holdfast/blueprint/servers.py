"""MCP servers: what their upstreams must say, and what programs need to be trusted."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from holdfast.blueprint.controls import SecretReference
from holdfast.blueprint.draft import Draft
from holdfast.blueprint.errors import Problem
from holdfast.blueprint.forms import NodeForm, RelationshipForm, UpstreamForm
from holdfast.blueprint.kinds import NodeKind, kind_of
from holdfast.blueprint.layout import Layout
from holdfast.blueprint.source import Path
from holdfast.blueprint.spelling import secret_reference
from holdfast.blueprint.tool_forms import EgressForm, ToolsForm
from holdfast.blueprint.tools import Egress, Program, ToolRules, Tools, ToolSettings

_OF_PROGRAMS = ("env", "cwd")
_OF_URLS = ("api_key", "insecure_plain_http")
_OF_MODELS = ("model",)


def server_problems(draft: Draft, layout: Layout, *, signed: bool) -> Iterator[Problem]:
    """Everything wrong with MCP servers and with what is said of tools."""
    for name, node in draft.nodes.items():
        upstream = node.controls.upstream if node.controls else None
        path: Path = ("nodes", name, "controls")
        if upstream is not None:
            yield from _address(draft, (*path, "upstream"), upstream)
            yield from _server(draft, layout, name, node)
        if upstream is not None and upstream.command is not None:
            yield from _program(draft, (*path, "upstream"), upstream, signed=signed)
        if node.controls is not None and node.controls.tools is not None:
            yield from _placed(draft, (*path, "tools"), name)
    for index, form in draft.relationships.items():
        if form.controls is not None and form.controls.tools is not None:
            yield from _over(draft, ("relationships", index, "controls", "tools"), form)


def settle_program(form: UpstreamForm | None) -> Program | None:
    """The program that an upstream names, None where it names none."""
    if form is None or form.command is None:
        return None
    env: dict[str, str | SecretReference] = {
        name: secret_reference(value) if value.startswith(("env:", "file:")) else value
        for name, value in sorted((form.env or {}).items())
    }
    return Program(command=tuple(form.command), env=MappingProxyType(env), cwd=form.cwd)


def settle_tools(form: ToolsForm | None, under: Tools) -> Tools:
    """What ``form`` says, after what is said already."""
    if form is None:
        return under
    each: Mapping[str, ToolSettings] = {
        name: ToolSettings(
            timeout_s=tool.timeout_s,
            side_effects=tool.side_effects,
            egress=_settle_egress(tool.egress),
        )
        for name, tool in sorted((form.each or {}).items())
    }
    rules = ToolRules(
        allow=None if form.allow is None else tuple(form.allow),
        deny=tuple(form.deny or ()),
        side_effects=form.side_effects,
        egress=_settle_egress(form.egress),
        each=MappingProxyType(each),
    )
    return Tools(rules=(*under.rules, rules))


def _settle_egress(form: EgressForm | None) -> Egress | None:
    if form is None:
        return None
    return Egress(
        hosts=None if form.hosts is None else tuple(form.hosts), schemes=tuple(form.schemes)
    )


def is_server(node: NodeForm) -> bool:
    """Whether the node answers as an MCP server."""
    upstream = node.controls.upstream if node.controls else None
    return upstream is not None and upstream.dialect == "mcp"


def _address(draft: Draft, path: Path, form: UpstreamForm) -> Iterator[Problem]:
    if (form.url is None) == (form.command is None):
        what = "an upstream has a `url` or a `command`"
        what += ", not both" if form.url else "; this has neither"
        fix = "write where it answers, or, for an MCP server on this machine, how it is started"
        yield draft.problem(path, what=what, fix=fix, key=True)


def _server(draft: Draft, layout: Layout, name: str, node: NodeForm) -> Iterator[Problem]:
    upstream = node.controls.upstream if node.controls else None
    assert upstream is not None
    path: Path = ("nodes", name, "controls", "upstream")
    if upstream.dialect != "mcp":
        if upstream.command is not None:
            fix = "write `dialect: mcp` beside it"
            yield draft.problem(
                (*path, "command"), what="only an MCP server is started by `command`", fix=fix
            )
        return
    if kind_of(node.type) is not NodeKind.TOOL:
        what = f"`{name}` is no tool: a {node.type} does not answer as an MCP server"
        fix = "give it the type `ai:mcp-server` or `ai:tool`"
        yield draft.problem((*path, "dialect"), what=what, fix=fix)
    if layout.groups(name):
        what = f"`{name}` is a part of `{layout.groups(name)[0]}`, but no server stands for another"
        fix = "take it out of the `composed-of` relationship, or let it be called by itself"
        yield draft.problem((*path, "dialect"), what=what, fix=fix)
    idle = [*_OF_MODELS, *(_OF_URLS if upstream.command is not None else _OF_PROGRAMS)]
    for field in idle:
        if field in upstream.model_fields_set:
            what = f"{field} has no effect on this MCP server"
            yield draft.problem((*path, field), what=what, fix="remove it", key=True)


def _program(draft: Draft, path: Path, form: UpstreamForm, *, signed: bool) -> Iterator[Problem]:
    if not signed:
        what = "a program is started from a signed blueprint only, and this one is not"
        fix = (
            "sign it with `holdfast sign FILE --key KEYFILE`, and name the key that may sign with "
            "`--trust-key` of `holdfast up` and `holdfast check`"
        )
        yield draft.problem((*path, "command"), what=what, fix=fix, key=True)
    if form.cwd is not None and (form.cwd.startswith("/") or ".." in form.cwd.split("/")):
        what = "`cwd` leads out of the blueprint's folder"
        yield draft.problem((*path, "cwd"), what=what, fix="name a folder inside it")


def _placed(draft: Draft, path: Path, name: str) -> Iterator[Problem]:
    if not is_server(draft.nodes[name]):
        what = f"tools has no effect here: `{name}` is no MCP server"
        fix = "give it an upstream of `dialect: mcp`, or move it to the node that has one"
        yield draft.problem(path, what=what, fix=fix, key=True)


def _over(draft: Draft, path: Path, form: RelationshipForm) -> Iterator[Problem]:
    called = draft.nodes.get(form.connects[1].node) if form.connects else None
    if form.connects is None or (called is not None and not is_server(called)):
        what = f"tools has no effect here: no MCP server is called over `{form.id}`"
        fix = "move it to a `connects` relationship whose destination is an MCP server"
        yield draft.problem(path, what=what, fix=fix, key=True)
