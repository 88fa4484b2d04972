"""The forms of CALM controls as people write them."""

from typing import Annotated

from pydantic import Field, JsonValue

from holdfast.blueprint.fields import LIST_MAX, Form, Name, Text


class RequirementForm(Form):
    """One requirement of a CALM control."""

    requirement_url: Name = Field(
        alias="requirement-url", description="The control requirement's URL."
    )
    config: dict[str, JsonValue] | None = Field(
        default=None, description="How it is met, in place. Either this or `config-url`."
    )
    config_url: Name | None = Field(
        default=None, alias="config-url", description="How it is met, by URL."
    )


class ControlForm(Form):
    """A CALM control: carried and shown, not enforced by Holdfast."""

    description: Text = Field(description="What the control is for.")
    requirements: Annotated[list[RequirementForm], Field(max_length=LIST_MAX)] = Field(
        description="What it requires, each with how it is met."
    )
    implemented_by: Annotated[list[Name], Field(max_length=LIST_MAX)] | None = Field(
        default=None,
        alias="implemented-by",
        description="Which controls of Holdfast, written in the same place, implement it: "
        "`[identity, timeouts]`. On a relationship also those of its destination node; on a flow "
        "those that every call it makes comes under.",
    )
