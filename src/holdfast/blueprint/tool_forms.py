"""The forms of what people write about tools."""

from typing import Annotated

from pydantic import Field, StringConstraints

from holdfast.blueprint.fields import LIST_MAX, Form, Seconds
from holdfast.blueprint.tools import SideEffects

TOOL_NAME_MAX = 128

ToolPattern = Annotated[
    str,
    StringConstraints(min_length=1, max_length=TOOL_NAME_MAX, pattern=r"^[A-Za-z0-9_./*?:{}-]+$"),
]


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
    each: Annotated[dict[ToolPattern, ToolForm], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="By name: what holds for single tools."
    )
