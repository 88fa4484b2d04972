"""How single values are spelt: ids, types, sizes, addresses, references to secrets."""

import re
from ipaddress import ip_address
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import JsonValue
from pydantic_core import PydanticCustomError

from holdfast.blueprint.controls import BYTES_MAX, SecretReference
from holdfast.blueprint.errors import suggestion
from holdfast.blueprint.kinds import NODE_TYPES, OWN_TYPE_PREFIX
from holdfast.world.ports import Address

Schema: TypeAlias = dict[str, JsonValue]

OWN_ERROR = "holdfast"
ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
TRUST_DOMAIN_PATTERN = r"^[a-z0-9._-]{1,255}$"
SECRET_PATTERN = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"  # noqa: S105 - how a reference looks
HEADER_NAME_PATTERN = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"
HEALTH_PATH_PATTERN = r"^/[!\"$-~]{0,999}$"
ID_SCHEMA: Schema = {"type": "string", "pattern": ID_PATTERN}
NODE_TYPE_SCHEMA: Schema = {
    "anyOf": [
        {"type": "string", "enum": list[JsonValue](NODE_TYPES)},
        {"type": "string", "pattern": f"^{OWN_TYPE_PREFIX}[a-z0-9:-]+$"},
    ]
}
SIZE_SCHEMA: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": BYTES_MAX},
        {"type": "string", "pattern": r"^[0-9]+ ?(B|kB|KB|MB|GB|KiB|MiB|GiB)$"},
    ]
}
METADATA_SCHEMA: Schema = {
    "anyOf": [
        {"type": "object"},
        {"type": "array", "items": {"type": "object"}},
        {"type": "null"},
    ]
}
ENDPOINT_SCHEMA: Schema = {
    "anyOf": [
        {"type": "string", "minLength": 1, "description": "The node's id."},
        {
            "type": "object",
            "properties": {
                "node": {"type": "string", "description": "The node's id."},
                "interfaces": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Ids of the interfaces used, all of that node.",
                },
            },
            "required": ["node"],
            "additionalProperties": False,
        },
    ]
}

_UNITS = {
    "B": 1,
    "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3,
    "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3,
}  # fmt: skip
_SIZE = re.compile(r"([0-9]{1,12}) ?(B|kB|KB|MB|GB|KiB|MiB|GiB)")
_ID = re.compile(ID_PATTERN[:-1])
_URL_CHARACTERS = re.compile(r"[!-~]+")
_URL_EXAMPLE = "write it like `http://127.0.0.1:11434/v1`"
_PORTS = {"http": 80, "https": 443}


def wrong(what: str, fix: str) -> PydanticCustomError:
    """An error in our own words, for the place pydantic is at."""
    # Only these values reach the page: a literal `{` in them must not be read as a placeholder.
    return PydanticCustomError(OWN_ERROR, "{what}", {"what": what, "fix": fix})


def check_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise wrong(f"`{text}` is not a usable id", ID_FIX)
    return text


ID_FIX = "use 1 to 63 lower-case letters, digits and dashes, starting with a letter or digit"


def check_trust_domain(text: str) -> str:
    if not re.fullmatch(TRUST_DOMAIN_PATTERN[1:-1], text):
        raise wrong(
            f"`{text}` is not a SPIFFE trust domain",
            "use lower-case letters, digits, dots, dashes and underscores, as in `example.org`",
        )
    return text


def check_node_type(text: str) -> str:
    if text in NODE_TYPES or re.fullmatch(r"x-[a-z0-9:-]+", text):
        return text
    fix = suggestion(text, NODE_TYPES, noun="type")
    raise wrong(
        f"`{text}` is not a node type", f"{fix} Types of your own start with `{OWN_TYPE_PREFIX}`."
    )


def check_policy_name(text: str) -> str:
    fault = policy_name_fault(text)
    if fault is not None:
        raise wrong(*fault)
    return text


def policy_name_fault(text: str) -> tuple[str, str] | None:
    """What is wrong with a policy file's name, and how to mend it."""
    if not text.endswith((".cedar", ".rego", ".hfpolicy")):
        fix = "name a file that ends in `.cedar`, `.rego` or `.hfpolicy`"
        return f"`{text}` is not a file of policies", fix
    if text.startswith("/") or ".." in text.split("/") or "\\" in text or not text.isprintable():
        return (
            f"`{text}` is outside the blueprint's folder",
            "keep policies beside the blueprint and name them relative to it",
        )
    return None


def check_metadata(value: JsonValue) -> JsonValue:
    if value is None or isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return value
    raise wrong(
        "metadata must be a mapping, or a list of mappings", "write `key: value` lines under it"
    )


def read_size(value: object) -> object:
    """Bytes from an integer, or from text such as ``10MB`` (10^7) or ``512KiB`` (2^19)."""
    size = value
    if isinstance(value, str):
        found = _SIZE.fullmatch(value)
        if not found:
            raise wrong(f"`{value}` is not a size", _SIZE_FIX)
        size = int(found[1]) * _UNITS[found[2]]
    if isinstance(size, bool) or not isinstance(size, int):
        raise wrong("is not a size", _SIZE_FIX)
    if not 1 <= size <= BYTES_MAX:
        raise wrong(f"{value} is out of range", "write at least 1 byte and at most 4GiB")
    return size


_SIZE_FIX = "write whole bytes, or a whole number with B, KB, MB, GB, KiB, MiB or GiB: `10MB`"


def read_endpoint(value: object) -> object:
    """``node-id`` is short for ``{node: node-id}``."""
    return {"node": value} if isinstance(value, str) else value


def check_secret(text: str) -> str:
    """A reference to a secret. What is refused is never repeated: it may be the secret."""
    if not re.fullmatch(SECRET_PATTERN[1:-1], text):
        raise wrong(
            "a secret must not stand in the blueprint",
            "keep it in an environment variable and write `env:NAME`, or in a file and write "
            "`file:PATH`; if this was a real key, replace it at its issuer",
        )
    return text


def secret_reference(text: str) -> SecretReference:
    kind, _, name = text.partition(":")
    return SecretReference(kind="env" if kind == "env" else "file", name=name)


def check_url(text: str) -> str:
    if not _URL_CHARACTERS.fullmatch(text):
        raise wrong("the URL has characters no URL may have", _URL_EXAMPLE)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong("the URL has no usable host and port", _URL_EXAMPLE) from None
    if parts.username is not None or parts.password is not None:
        raise wrong(
            "the URL holds a user or password",
            "take it out and write `api_key: env:NAME` beside the url",
        )
    _check_url_parts(text, parts, port)
    return text


def _check_url_parts(text: str, parts: SplitResult, port: int | None) -> None:
    if parts.scheme not in _PORTS:
        raise wrong(f"`{parts.scheme or text}` is neither http nor https", _URL_EXAMPLE)
    if not parts.hostname or not re.fullmatch(r"[A-Za-z0-9._:%-]+", parts.hostname) or port == 0:
        raise wrong("the URL has no usable host and port", _URL_EXAMPLE)
    if "?" in text or "#" in text:
        raise wrong("the URL has a query or fragment", "remove everything from `?` or `#` on")


def check_header_name(text: str) -> str:
    if not re.fullmatch(HEADER_NAME_PATTERN[1:-1], text):
        raise wrong(f"`{text}` is not the name of a header", "write it like `x-session-id`")
    return text


def check_health_path(text: str) -> str:
    if not re.fullmatch(HEALTH_PATH_PATTERN[1:-1], text):
        raise wrong(
            "is not a path to ask for", "write it like `/health`: from `/` on, no host, no fragment"
        )
    return text


def split_url(text: str) -> tuple[str, Address, str]:
    """A checked URL without its last slash; where to connect; the path's beginning."""
    parts = urlsplit(text)
    tls = parts.scheme == "https"
    path = parts.path.rstrip("/")
    port = parts.port or _PORTS[parts.scheme]
    address = Address(host=parts.hostname or "", port=port, tls=tls)
    return f"{parts.scheme}://{parts.netloc.lower()}{path}", address, path


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name; nothing is looked up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
