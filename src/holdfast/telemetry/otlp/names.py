"""Names by which things are told: OpenTelemetry's where its conventions have one, else our own.

The conventions for generative AI and MCP (semantic-conventions-genai, in development) as of 2026-08;
the general ones as of version 1.44. ``docs/telemetry/opentelemetry.md`` says where each value comes
from; a test holds this table against the published registry.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

AGENT: Final = "gen_ai.agent.name"
CONVERSATION: Final = "gen_ai.conversation.id"
OPERATION: Final = "gen_ai.operation.name"
PROMPT: Final = "gen_ai.prompt.name"
PROVIDER: Final = "gen_ai.provider.name"
MODEL: Final = "gen_ai.request.model"
STREAM: Final = "gen_ai.request.stream"
FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105
TOOL: Final = "gen_ai.tool.name"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
MCP_METHOD: Final = "mcp.method.name"
MCP_RESOURCE: Final = "mcp.resource.uri"
ERROR_TYPE: Final = "error.type"
HTTP_METHOD: Final = "http.request.method"
HTTP_ROUTE: Final = "http.route"
HTTP_STATUS: Final = "http.response.status_code"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
URL_PATH: Final = "url.path"
URL_SCHEME: Final = "url.scheme"
OVERFLOW: Final = "otel.metric.overflow"

APPROVER: Final = "holdfast.approver"
ATTEMPTS: Final = "holdfast.attempts"
BLUEPRINT: Final = "holdfast.blueprint"
BY: Final = "holdfast.change.by"
CACHED: Final = "holdfast.cached"
CALL: Final = "holdfast.call"
CALLEE: Final = "holdfast.callee"
CALLER: Final = "holdfast.caller"
CHANGE: Final = "holdfast.change.kind"
COST: Final = "holdfast.cost"
DECISION: Final = "holdfast.decision"
DESCRIPTOR: Final = "holdfast.descriptor"
FALLBACK: Final = "holdfast.fallback"
INDEX: Final = "holdfast.log.index"
OBLIGATIONS: Final = "holdfast.obligations"
ON_BEHALF_OF: Final = "holdfast.on_behalf_of"
OUTCOME: Final = "holdfast.outcome"
POLICIES: Final = "holdfast.policies"
PRINCIPAL: Final = "holdfast.principal"
PROOF: Final = "holdfast.proof"
REASON: Final = "holdfast.telemetry.reason"
RELATIONSHIP: Final = "holdfast.relationship"
RULE: Final = "holdfast.rule"
SEAMS: Final = "holdfast.seams"
SIGNAL: Final = "holdfast.telemetry.signal"
SUBJECT: Final = "holdfast.change.subject"
SYSTEM: Final = "holdfast.system"
TENANT: Final = "holdfast.tenant"
WOULD_REFUSE: Final = "holdfast.would_refuse"

OPERATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"generate": "chat", "complete": "text_completion", "embed": "embeddings"}
)
"""By the record's action: what a model is asked for."""
EXECUTE_TOOL: Final = "execute_tool"
METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {"call": "tools/call", "read": "resources/read", "prompt": "prompts/get"}
)
"""By the record's action: what an MCP server is asked for. Of ``list`` the record says it itself."""
ROUTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "generate": "/v1/chat/completions",
        "complete": "/v1/completions",
        "embed": "/v1/embeddings",
        "prove": "/identity/session",
        "delegate": "/identity/token",
    }
)
MCP_ROUTE: Final = "/mcp"

_PROVIDERS: Final = (
    ("api.anthropic.com", "anthropic"),
    ("openai.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.deepseek.com", "deepseek"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("api.groq.com", "groq"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.moonshot.ai", "moonshot_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("api.x.ai", "x_ai"),
)
_PORTS: Final = {"http": 80, "https": 443}


@lru_cache(maxsize=1024)
def provider_of(host: str) -> str:
    """Whose models they are, by the host that is asked; ``openai`` for all others, since that is
    the dialect they are asked in."""
    if host.startswith("bedrock-runtime.") and host.endswith(".amazonaws.com"):
        return "aws.bedrock"
    for suffix, name in _PROVIDERS:
        if host == suffix or host.endswith((f".{suffix}", f"-{suffix}")):
            return name
    return "openai"


@lru_cache(maxsize=1024)
def place_of(upstream: str | None) -> tuple[str, str, int] | None:
    """Scheme, host and port of an upstream's URL; None of a program, which has none."""
    try:
        parts = urlsplit(upstream or "")
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None
