"""An architecture made from a pattern: its constants, then defaults, then placeholders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.blueprint.calm.definitions import Definitions
from holdfast.blueprint.calm.errors import CalmPatternError
from holdfast.blueprint.calm.flattening import flattened
from holdfast.blueprint.calm.library import Library
from holdfast.blueprint.calm.options import (
    Choice,
    Option,
    OptionsError,
    options_of,
    with_choices,
)
from holdfast.blueprint.calm.values import truthy
from holdfast.core import JsonObject, JsonValue

GENERATED_DEPTH_MAX = 48
"""Objects inside objects that a pattern may ask for."""
GENERATED_VALUES_MAX = 200_000
"""Values of one generated architecture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """The architecture, and the URLs of definitions that nobody knows: placeholders stand there."""

    architecture: JsonObject
    missing: tuple[str, ...]


def generate(
    pattern: JsonObject, library: Library, *, choices: tuple[Choice, ...] | None = None
) -> Generated:
    """What the pattern fixes, and placeholders for what it leaves open. Its options are decided by
    ``choices``; ``None`` leaves them as they are. ``CalmPatternError`` where nothing can be made.
    """
    definitions = Definitions(pattern, library)
    chosen = flattened(pattern, definitions)
    if choices is not None:
        try:
            made = with_choices(chosen, choices)
        except OptionsError as error:
            raise CalmPatternError(
                f"the choices cannot be applied to the pattern: {error.what}",
                fix="give the pattern its options as CALM has them",
            ) from error
        chosen = made if isinstance(made, dict) else {}
    maker = _Maker(Definitions(chosen, library))
    architecture = maker.document(chosen)
    identity = chosen.get("$id")
    if truthy(identity):
        architecture["$schema"] = identity
    missing = (*definitions.missing, *maker.definitions.missing)
    return Generated(architecture=architecture, missing=tuple(dict.fromkeys(missing)))


def choices_for(
    pattern: JsonObject, named: Mapping[str, list[str]], *, first_otherwise: bool = False
) -> tuple[Choice, ...]:
    """The choices that ``named`` makes: option id -> descriptions, or numbers from 1.

    ``CalmPatternError`` where an option is unknown, is left open, or takes one choice and got more.
    """
    options = questions(pattern)
    unknown = set(named) - {option.unique_id for option in options}
    if unknown:
        raise CalmPatternError(f"the pattern has no option {min(unknown)}", fix=_told(options))
    return tuple(
        choice
        for option in options
        for choice in _chosen(option, named.get(option.unique_id), first_otherwise=first_otherwise)
    )


def questions(pattern: JsonObject) -> tuple[Option, ...]:
    """The options of a pattern; ``CalmPatternError`` where one is not put as CALM puts it."""
    try:
        return options_of(pattern)
    except OptionsError as error:
        raise CalmPatternError(
            f"the pattern's options cannot be read: {error.what}",
            fix="give the pattern its options as CALM has them",
        ) from error


def _chosen(
    option: Option, named: list[str] | None, *, first_otherwise: bool
) -> tuple[Choice, ...]:
    if named is None:
        if first_otherwise and option.choices:
            return option.choices[:1]
        raise CalmPatternError(f"{option.unique_id} is left open", fix=_told((option,)))
    if option.branch == "oneOf" and len(named) != 1:
        raise CalmPatternError(
            f"{option.unique_id} takes one choice and got {len(named)}", fix=_told((option,))
        )
    return tuple(_choice(option, name) for name in named)


def _choice(option: Option, name: str) -> Choice:
    if name.isdecimal() and 1 <= int(name) <= len(option.choices):
        return option.choices[int(name) - 1]
    for choice in option.choices:
        if choice.description == name:
            return choice
    raise CalmPatternError(f"{option.unique_id} offers no choice {name}", fix=_told((option,)))


def _told(options: tuple[Option, ...]) -> str:
    if not options:
        return "leave `--option` out: the pattern has none"
    lines = [
        f"--option '{option.unique_id}={number}': {choice.description}"
        for option in options
        for number, choice in enumerate(option.choices, start=1)
    ]
    return "choose with\n" + "\n".join(lines)


class _Maker:
    """Follows the pattern. Which members appear is the reference's rule: those that the pattern
    names, and of a definition it refers to those that are required."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self._left = GENERATED_VALUES_MAX

    def document(self, pattern: JsonObject) -> JsonObject:
        properties = pattern.get("properties")
        made: JsonObject = {}
        for name, held in (properties if isinstance(properties, dict) else {}).items():
            schema = self._resolved(held)
            items = _items(schema)
            if items is not None:
                made[name] = [self._item(each) for each in items]
            elif isinstance(schema, dict) and "const" in schema:
                made[name] = schema["const"]
            else:
                made[name] = self._object(schema, depth=0)
        return made

    def _item(self, held: JsonValue) -> JsonValue:
        schema = self._resolved(held)
        if isinstance(schema, dict) and "const" in schema:
            return schema["const"]
        return self._object(schema, depth=0)

    def _resolved(self, held: JsonValue) -> JsonValue:
        """A schema joined with the definition it refers to; the schema's own words win."""
        reference = held.get("$ref") if isinstance(held, dict) else None
        if not isinstance(held, dict) or not isinstance(reference, str) or not reference:
            return held
        definition = self.definitions.get(reference)
        offered, own = _properties(definition), _properties(held)
        required = [*_names(held), *_names(definition)]
        joined = dict(own)
        for name in required:
            if name not in joined and name in offered:
                joined[name] = offered[name]
        names: list[JsonValue] = list(dict.fromkeys(required))
        return {**definition, **held, "properties": joined, "required": names}

    def _object(self, held: JsonValue, *, depth: int) -> JsonObject:
        self._count(depth)
        schema = self._resolved(held)
        made: JsonObject = {}
        for name, each in _properties(schema).items():
            self._member(made, name, self._resolved(each), depth=depth)
        patterns = schema.get("patternProperties") if isinstance(schema, dict) else None
        if isinstance(patterns, dict):
            self._matching(made, patterns, held=held, depth=depth)
        return made

    def _member(self, made: JsonObject, name: str, schema: JsonValue, *, depth: int) -> None:
        if not isinstance(schema, dict):
            return
        items = _items(schema)
        if "const" in schema:
            made[name] = schema["const"]
        elif schema.get("type") == "object":
            made[name] = self._object(schema, depth=depth + 1)
        elif items is not None:
            made[name] = [self._object(self._resolved(each), depth=depth + 1) for each in items]
        else:
            value = _placeholder(name, schema)
            if value is not None:
                made[name] = value

    def _matching(
        self, made: JsonObject, patterns: JsonObject, *, held: JsonValue, depth: int
    ) -> None:
        own = _properties(held)
        for pattern, schema in patterns.items():
            form = _form(pattern)
            for name in own:
                if form.search(name):
                    beside = own[name]
                    joined: JsonObject = {
                        **(schema if isinstance(schema, dict) else {}),
                        **(beside if isinstance(beside, dict) else {}),
                    }
                    made[name] = self._object(self._resolved(joined), depth=depth + 1)

    def _count(self, depth: int) -> None:
        self._left -= 1
        if depth > GENERATED_DEPTH_MAX or self._left < 0:
            raise CalmPatternError(
                "the pattern asks for objects without end",
                fix="take the circle out of its references",
            )


def _items(schema: JsonValue) -> list[JsonValue] | None:
    if not isinstance(schema, dict) or schema.get("type") != "array":
        return None
    items = schema.get("prefixItems")
    return items if isinstance(items, list) else None


def _properties(schema: JsonValue) -> JsonObject:
    held = schema.get("properties") if isinstance(schema, dict) else None
    return held if isinstance(held, dict) else {}


def _names(schema: JsonObject) -> list[str]:
    held = schema.get("required")
    return [each for each in held if isinstance(each, str)] if isinstance(held, list) else []


def _form(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise CalmPatternError(
            f"{pattern} is no regular expression that is understood here: {error}",
            fix="write it without look-behind of varying width and without named classes",
        ) from error


def _placeholder(name: str, schema: JsonObject) -> JsonValue:
    """``None`` where the reference leaves the member out."""
    if truthy(schema.get("default")):
        return schema["default"]
    spelled = name.upper().replace("-", "_")
    match schema.get("type"):
        case "string":
            return f"[[ {spelled} ]]"
        case "boolean":
            return f"[[ BOOLEAN_{spelled} ]]"
        case "integer" | "number":
            return -1
        case "array":
            return [] if name == "interfaces" else [f"[[ {spelled} ]]"]
        case _:
            return f"[[ REF_{spelled} ]]" if truthy(schema.get("$ref")) else None
