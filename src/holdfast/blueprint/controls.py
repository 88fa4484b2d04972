"""What a blueprint says must hold on a node or a relationship."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from holdfast.world.ports import Address

CONNECT_S_DEFAULT = 5.0
FIRST_BYTE_S_DEFAULT = 60.0
IDLE_S_DEFAULT = 30.0
TOTAL_S_DEFAULT = 600.0
TIMEOUT_S_MAX = 86_400.0

REQUEST_BYTES_DEFAULT = 10 * 1024 * 1024
ANSWER_BYTES_DEFAULT = 32 * 1024 * 1024
BYTES_MAX = 4 * 1024 * 1024 * 1024
CONNECTIONS_DEFAULT = 2048
CONNECTIONS_MAX = 65_535
MAX_TOKENS_MAX = 100_000_000

Dialect: TypeAlias = Literal["openai", "mcp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds to wait for a connection, the first byte, between bytes, and in all."""

    connect_s: float = CONNECT_S_DEFAULT
    first_byte_s: float = FIRST_BYTE_S_DEFAULT
    idle_s: float = IDLE_S_DEFAULT
    total_s: float = TOTAL_S_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest request and answer, the most tokens, the most upstream connections a worker."""

    request_bytes: int = REQUEST_BYTES_DEFAULT
    answer_bytes: int = ANSWER_BYTES_DEFAULT
    max_tokens: int | None = None
    connections: int = CONNECTIONS_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretReference:
    """Where a secret is kept: an environment variable, or a file (relative to the blueprint)."""

    kind: Literal["env", "file"]
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where a node answers. ``url`` has no slash at its end; ``path`` is the part after the host.

    Among the members of one node, those of the lowest ``priority`` are used first, each by its
    ``weight``.
    """

    url: str
    address: Address
    path: str
    dialect: Dialect
    model: str
    api_key: SecretReference | None
    insecure_plain_http: bool
    weight: int = 1
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A CALM control requirement; ``config`` is canonical JSON, or ``config_url`` says where."""

    requirement_url: str
    config: bytes | None
    config_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A CALM control: carried and shown, not enforced; ``implemented_by`` names the controls of
    Holdfast that do."""

    description: str
    requirements: tuple[Requirement, ...]
    implemented_by: tuple[str, ...] = ()
