"""The forms of what people write about tools."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from holdfast.blueprint import spelling
from holdfast.blueprint.fields import LIST_MAX, Form, Seconds
from holdfast.blueprint.tools import SideEffects
from holdfast.core import HostError, read_host

TOOL_NAME_MAX = 128

ToolPattern = Annotated[
    str,
    StringConstraints(min_length=1, max_length=TOOL_NAME_MAX, pattern=r"^[A-Za-z0-9_./*?:{}-]+$"),
]


Scheme = Annotated[str, StringConstraints(max_length=32, pattern=r"^[a-z][a-z0-9+.-]*$")]


def _check_host(text: str) -> str:
    """The entry in its one spelling."""
    try:
        if "/" in text:
            return str(ip_network(text))
        if text == "*":
            return text
        host = read_host(f"[{text}]" if ":" in text else text.removeprefix("*."))
    except (ValueError, HostError):
        host = None
    if host is None or (text.startswith("*.") and not isinstance(host, str)):
        raise spelling.wrong(
            f"`{text}` is no host", "write a name, `*.name`, an address, a network or `*`"
        )
    return text if isinstance(host, str) else str(host)


EgressHost = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253, pattern=r"^[a-z0-9_.:/*-]+$"),
    AfterValidator(_check_host),
]


class EgressForm(Form):
    """Where addresses in a tool's arguments may lead."""

    hosts: Annotated[list[EgressHost], Field(max_length=LIST_MAX)] | None = Field(
        default=None,
        description="Hosts that may be named, in small letters: names, `*.example.com` for all "
        "names under one, addresses, networks (`10.1.0.0/16`), `*` for every public host. What "
        "stands here may be private; nothing else may be named. Default: every public host.",
    )
    schemes: Annotated[list[Scheme], Field(min_length=1, max_length=LIST_MAX)] = Field(
        default=["http", "https"], description="Schemes that URLs may have."
    )


class ToolForm(Form):
    """What holds for one tool."""

    timeout_s: Seconds | None = Field(
        default=None,
        description="Seconds for a whole call of the tool. Default: `timeouts.total_s`.",
    )
    side_effects: SideEffects | None = Field(
        default=None,
        description="What a call changes: `none`, `read` (reads only) or `write`. Default: what "
        "the server's approved description says, else `write`. The description can make it "
        "graver, never lighter.",
    )
    egress: EgressForm | None = Field(
        default=None,
        description="For this tool, in place of what `egress` says of all.",
    )


class ToolsForm(Form):
    """Which tools of an MCP server may be used, and how."""

    allow: Annotated[list[ToolPattern], Field(max_length=LIST_MAX)] | None = Field(
        default=None,
        description="Names of tools that may be used, as the server calls them; `*` stands for any "
        "characters. Default: all that are approved.",
    )
    deny: Annotated[list[ToolPattern], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="Names that may not be used, whatever `allow` says."
    )
    side_effects: SideEffects | None = Field(
        default=None, description="For every tool that does not say its own under `each`."
    )
    egress: EgressForm | None = Field(
        default=None,
        description="Where addresses in arguments may lead. Where node and relationship both say it, "
        "both must allow. Default: to public hosts, by http and https.",
    )
    each: Annotated[dict[ToolPattern, ToolForm], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="By name: what holds for single tools."
    )
