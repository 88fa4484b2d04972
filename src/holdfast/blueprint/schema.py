"""The JSON Schema of the written form, for editors, and the file to start from."""

import json
from importlib.resources import files

from holdfast.blueprint.forms import BlueprintForm


def json_schema() -> bytes:
    """The JSON Schema (2020-12) of a blueprint file, indented, with a description on every field.

    It accepts every file that ``load`` accepts; ``load`` also judges what a schema cannot say.
    """
    schema = BlueprintForm.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Holdfast blueprint"
    return json.dumps(schema, indent=2).encode() + b"\n"


def starter() -> str:
    """The small, commented ``holdfast.yaml`` of ``holdfast init``."""
    return files("holdfast.blueprint").joinpath("starter.yaml").read_text("utf-8")
