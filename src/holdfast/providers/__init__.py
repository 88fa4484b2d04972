"""Dialects of model and tool APIs and our own types, each way: OpenAI's, which most models speak,
and MCP (``providers.mcp``, a door of its own), which tools speak.

Bodies for models pass through untouched; a dialect only reads the few fields that decisions need.
"""

from holdfast.providers.errors import DialectError
from holdfast.providers.openai import (
    ENDPOINTS,
    EVENT_DONE,
    Asked,
    Endpoint,
    Usage,
    error_body,
    error_event,
    is_usage_only,
    is_whole,
    model_body,
    models_body,
    read_request,
    read_text,
    read_usage,
    with_model,
)

__all__ = [
    "ENDPOINTS",
    "EVENT_DONE",
    "Asked",
    "DialectError",
    "Endpoint",
    "Usage",
    "error_body",
    "error_event",
    "is_usage_only",
    "is_whole",
    "model_body",
    "models_body",
    "read_request",
    "read_text",
    "read_usage",
    "with_model",
]
