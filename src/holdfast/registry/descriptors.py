"""What an MCP server offers, as one value with one digest."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

from holdfast.core import (
    Digest,
    JsonError,
    JsonObject,
    jcs,
    read_json,
    sha256_digest,
)
from holdfast.registry.errors import DescriptorError

DescriptorKind: TypeAlias = Literal["tool", "resource", "template", "prompt"]

DESCRIPTOR_BYTES_MAX = 128 * 1024
DESCRIPTOR_DEPTH_MAX = 48
NAME_CHARACTERS_MAX = 1024

NAMED_BY: Mapping[str, str] = MappingProxyType(
    {"tool": "name", "resource": "uri", "template": "uriTemplate", "prompt": "name"}
)
"""The member that a client names each kind by."""


class Descriptor(msgspec.Struct, frozen=True):
    """A tool, resource, resource template or prompt as its server describes it.

    ``name`` is what a client names it by at its server: a tool's or prompt's name, a resource's
    URI, a template's URI template. ``body`` is the whole description in canonical form (RFC 8785),
    every member included, also those that nobody knows; ``digest`` is its SHA-256.
    """

    kind: DescriptorKind
    name: str
    body: bytes
    digest: Digest

    @classmethod
    def of(cls, kind: DescriptorKind, fields: JsonObject) -> "Descriptor":
        """The descriptor that a list's item describes; ``DescriptorError`` when it describes
        nothing that could be pinned."""
        name = fields.get(NAMED_BY[kind])
        if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARACTERS_MAX:
            raise DescriptorError(
                f"a {kind} has no usable `{NAMED_BY[kind]}`",
                fix=f"its server must name it in 1 to {NAME_CHARACTERS_MAX} characters",
            )
        if kind == "tool" and not isinstance(fields.get("inputSchema"), dict):
            raise DescriptorError(
                f"the tool {name[:128]!r} has no `inputSchema`",
                fix="its server must describe its arguments, be it by an empty object schema",
            )
        try:
            body = jcs(fields)
        except JsonError as error:
            raise DescriptorError(
                f"the {kind} {name[:128]!r} has no canonical form: {error.what}",
                fix="its server must describe it in plain JSON",
            ) from error
        if len(body) > DESCRIPTOR_BYTES_MAX:
            raise DescriptorError(
                f"the {kind} {name[:128]!r} has a description of {len(body)} bytes",
                fix=f"a description has at most {DESCRIPTOR_BYTES_MAX} bytes",
            )
        return cls(kind, name, body, sha256_digest(body))

    @classmethod
    def read(cls, kind: DescriptorKind, body: bytes) -> "Descriptor":
        """The same from JSON bytes, canonical or not."""
        try:
            fields = read_json(body, depth_max=DESCRIPTOR_DEPTH_MAX)
        except JsonError as error:
            raise DescriptorError(f"a {kind}'s description is not JSON: {error.what}") from error
        if not isinstance(fields, dict):
            raise DescriptorError(f"a {kind}'s description is no JSON object")
        return cls.of(kind, fields)

    def fields(self) -> JsonObject:
        """The description itself; a fresh copy each time."""
        found = read_json(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def is_read_only(self) -> bool | None:
        """What a tool's annotations say of its effects (``readOnlyHint``); None when nothing.

        A server's own word: it may raise what the blueprint says of the tool, never lower it.
        """
        annotations = self.fields().get("annotations")
        hint = annotations.get("readOnlyHint") if isinstance(annotations, dict) else None
        return hint if isinstance(hint, bool) else None
