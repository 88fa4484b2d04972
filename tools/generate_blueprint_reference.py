"""Writes docs/reference/blueprint.schema.json and docs/reference/blueprint.md from the models.

python tools/generate_blueprint_reference.py          write both
python tools/generate_blueprint_reference.py --check  say whether both are up to date
"""

import json
import sys
from pathlib import Path
from typing import Any

from holdfast.blueprint import NODE_TYPES, json_schema, starter

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"

INTRODUCTION = """\
# The blueprint file

<!-- Written by tools/generate_blueprint_reference.py from the models; do not edit by hand. -->

One YAML file declares the system: its nodes, the relationships over which calls may pass, and what
must hold for them. It is a short form of [FINOS CALM](https://calm.finos.org/) 1.2. The JSON Schema
beside this page, `blueprint.schema.json`, gives editors completion and help; name it in the first
line:

```yaml
# yaml-language-server: $schema=blueprint.schema.json
```

The smallest useful file:

```yaml
{starter}```

How the file is read: YAML 1.2's core schema, so `on`, `no` and `1:30` stay text; every key is text;
a key may stand only once; tags and merge keys are refused; at most 1,000,000 bytes, 48 levels and
50,000 values, counted after aliases are expanded. All problems are told at once, each with its line
and how to mend it. Warnings do not stop anything.

Ids of nodes, relationships and interfaces share one namespace, and flows share it with nodes.
Timeouts, limits, retries, fallback, hedge and cache are settled field by field: the relationship's
over the destination node's over the defaults. Where two fields have an order and one is written, the
other follows: `calls_max: 50` alone also lowers `calls_start` to 50.

`10MB` is 10,000,000 bytes, `10MiB` is 10,485,760; `500k` tokens are 500,000, `2M` are 2,000,000.
Money and prices are kept exactly, in millionths; more than six decimals are refused.

What the controls of resilience are for, and a whole example:
[the blueprint](../concepts/blueprint.md#controls-of-resilience).
"""

KINDS = """\
## Node types

The kind is what [policies](policy.md) and principals speak of: `ai:agent` is `Holdfast::Agent` in
Cedar and `/agent/` in a SPIFFE ID. Types of your own start with `x-` and are of the kind `other`.

| type | kind |
|---|---|
"""

TITLES = {
    "JsonValue": None,
    "_EndpointForm": None,
    "UpstreamForm": "controls.upstream",
    "TimeoutsForm": "controls.timeouts",
    "LimitsForm": "controls.limits",
    "IdentityForm": "controls.identity",
    "RetriesForm": "controls.retries",
    "BreakerForm": "controls.breaker",
    "EjectionForm": "controls.ejection",
    "HealthForm": "controls.health",
    "ConcurrencyForm": "controls.concurrency",
    "RoutingForm": "controls.routing",
    "FallbackForm": "controls.fallback",
    "HedgeForm": "controls.hedge",
    "CacheForm": "controls.cache",
    "PriceForm": "controls.price",
    "BudgetForm": "budget, controls.budget",
    "ObjectivesForm": "objectives, controls.objectives",
    "LatencyForm": "objectives.first_token, objectives.duration",
    "SpeedForm": "objectives.tokens_per_s",
    "CostForm": "objectives.cost",
    "ProviderForm": "people[]",
    "ConsoleForm": "console",
    "RolesForm": "console.roles",
    "BulkheadForm": "bulkhead, controls.bulkhead",
    "ToolsForm": "controls.tools",
    "EgressForm": "controls.tools.egress",
    "ToolForm": "controls.tools.each.*",
    "NodeForm": "nodes.*",
    "DetailsForm": "nodes.*.details",
    "NodeControlsForm": "nodes.*.controls",
    "InterfaceForm": "nodes.*.interfaces.*",
    "RelationshipForm": "relationships[]",
    "RelationshipControlsForm": "relationships[].controls",
    "InteractsForm": "interacts",
    "ContainerForm": "deployed-in, composed-of",
    "ChoiceForm": "options[]",
    "FlowForm": "flows[]",
    "StepForm": "flows[].steps[]",
    "NodeFacts": "nodes.*.facts",
    "DataFact": "nodes.*.facts.data[]",
    "ToolFact": "nodes.*.facts.tools[]",
    "ModelFact": "nodes.*.facts.model",
    "BoundsFact": "nodes.*.facts.bounds",
    "RelationshipFacts": "relationships[].facts",
    "FlowFacts": "facts, flows[].facts",
    "ReviewForm": "review",
    "ReviewLimitsForm": "review.limits",
    "WaiverForm": "review.waivers[]",
    "ControlForm": "controls.* (CALM controls)",
    "RequirementForm": "requirements[]",
}


def reference() -> str:
    """The page: a table for every form, the root first."""
    schema = json.loads(json_schema())
    parts = [INTRODUCTION.replace("{starter}", starter())]
    parts.append(section("The file", schema))
    forms = schema["$defs"]
    missing = set(forms) - set(TITLES)
    if missing:
        raise SystemExit(f"give these forms a title in TITLES: {', '.join(sorted(missing))}")
    for name, title in TITLES.items():
        if title is not None:
            parts.append(section(f"`{title}`", forms[name]))
    rows = "".join(f"| `{name}` | {kind} |\n" for name, kind in NODE_TYPES.items())
    parts.append(KINDS + rows)
    return "\n".join(parts)


def section(title: str, form: dict[str, Any]) -> str:
    """One form: what it is, and its fields."""
    about = " ".join(form.get("description", "").split())
    required = form.get("required", [])
    lines = [f"## {title}", "", about, "", "| field | | value | meaning |", "|---|---|---|---|"]
    for name, field in form["properties"].items():
        need = "required" if name in required else "optional"
        value = spelled(field).replace("|", "\\|")
        meaning = field.get("description", "")
        if field.get("default") not in (None, "", False) and "efault" not in meaning:
            meaning += f" Default `{field['default']}`."
        lines.append(f"| `{name}` | {need} | {value} | {meaning} |")
    return "\n".join(lines) + "\n"


def spelled(field: dict[str, Any]) -> str:
    """The values a field takes, in a few words."""
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"mapping ({TITLES[name]})" if TITLES[name] else "anything"
    if "anyOf" in field:
        return " or ".join(
            dict.fromkeys(
                spelled(choice) for choice in field["anyOf"] if choice.get("type") != "null"
            )
        )
    return typed(field)


def typed(field: dict[str, Any]) -> str:
    """The values of a plain JSON type."""
    match field.get("type"):
        case "string":
            return f"text `{field['pattern']}`" if "pattern" in field else "text"
        case "integer":
            return "whole number" + bounds(field)
        case "number":
            return "number" + bounds(field)
        case "boolean":
            return "true or false"
        case "array":
            return f"list of {spelled(field['items'])}"
        case _:
            inner = field.get("additionalProperties")
            return f"mapping to {spelled(inner)}" if isinstance(inner, dict) else "mapping"


def bounds(field: dict[str, Any]) -> str:
    """From where to where a number goes."""
    most = (
        f"{field['maximum']:,g}" if isinstance(field["maximum"], float) else f"{field['maximum']:,}"
    )
    if "exclusiveMinimum" in field:
        return f", more than {field['exclusiveMinimum']:g}, at most {most}"
    return f", {field['minimum']:g} to {most}"


def pages() -> dict[Path, bytes]:
    """Every generated file with its content."""
    return {
        REFERENCE / "blueprint.schema.json": json_schema(),
        REFERENCE / "blueprint.md": reference().encode(),
    }


def main() -> int:
    stale = [
        path for path, data in pages().items() if not path.exists() or path.read_bytes() != data
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path} is out of date: run python {Path(__file__).name}")
        return 1 if stale else 0
    for path, data in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
