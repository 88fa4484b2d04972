"""The spans of a call, off its last record: ours as a server, and ours as the client of an upstream.

The span of an upstream covers all that was tried, as the conventions want it. A call that was sent
nowhere (refused, listed, answered from the cache) has the first span only. What a model or a tool
was asked is said on the second alone, so that nobody counts it twice.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from holdfast.audit import CallRecord
from holdfast.core import CallTrace
from holdfast.history import caller_of, first_token_of
from holdfast.telemetry.otlp import names
from holdfast.telemetry.otlp.forms import CLIENT, SERVER, Attributes, Span, Value
from holdfast.telemetry.stages import ROUTED

_SECOND_US: Final = 1_000_000
_AGENT: Final = "agent"


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What a record does not say: the model that a node's upstream is asked for, and how callers
    reach the gateway (``http`` or ``https``)."""

    model_of: Callable[[str], str | None]
    scheme: str


def spans_of(record: CallRecord, ids: CallTrace, state: str, telling: Telling) -> tuple[Span, ...]:
    """One span, or two; ``state`` says in the tracestate how they were sampled."""
    end = record.at + record.duration_us
    server = Span(
        trace=ids.trace,
        id=ids.server,
        parent=ids.parent,
        is_remote=ids.parent is not None,
        state=state,
        name=_server_name(record),
        kind=SERVER,
        start=record.at,
        end=end,
        attributes=_server_attributes(record, telling),
        is_error=record.status >= 500,
    )
    sent_us = sent_after_us(record)
    if sent_us is None:
        return (server,)
    client = Span(
        trace=ids.trace,
        id=ids.client,
        parent=ids.server,
        is_remote=False,
        state=state,
        name=_client_name(record, telling),
        kind=CLIENT,
        start=record.at + sent_us,
        end=end,
        attributes=client_attributes(record, telling),
        is_error=error_of(record) is not None,
    )
    return server, client


def sent_after_us(record: CallRecord) -> int | None:
    """From the call's start until it was sent to an upstream; None where it never was."""
    if record.attempts == 0 or len(record.stages_us) <= len(ROUTED):
        return None
    return record.stages_us[len(ROUTED) - 1]


def method_of(record: CallRecord) -> str | None:
    """The MCP method; None of what is no MCP request."""
    if record.tool is None:
        return None
    return names.METHODS.get(record.action, record.tool)


def error_of(record: CallRecord) -> str | None:
    """What kind of error a call ended with, in few words; None where it did not."""
    if record.rule is not None:
        return record.rule
    return str(record.status) if record.status >= 400 else None


def place_attributes(record: CallRecord) -> dict[str, Value]:
    """Which upstream was asked."""
    place = names.place_of(record.upstream)
    if place is None:
        return {}
    _, host, port = place
    return {names.SERVER_ADDRESS: host, names.SERVER_PORT: port}


def model_attributes(record: CallRecord, telling: Telling) -> dict[str, Value]:
    """What identifies a model's call; empty of any other."""
    operation = names.OPERATIONS.get(record.action)
    if operation is None:
        return {}
    place = names.place_of(record.upstream)
    found: dict[str, Value] = {
        names.OPERATION: operation,
        names.PROVIDER: names.provider_of(place[1] if place is not None else ""),
    }
    model = _model(record, telling)
    if model:
        found[names.MODEL] = model
    return found


def mcp_attributes(record: CallRecord) -> dict[str, Value]:
    """What identifies an MCP request; empty of any other."""
    method, name = method_of(record), record.tool
    if method is None or name is None:
        return {}
    found: dict[str, Value] = {names.MCP_METHOD: method}
    if record.action == "call":
        found[names.TOOL] = name
    elif record.action == "prompt":
        found[names.PROMPT] = name
    return found


def client_attributes(record: CallRecord, telling: Telling) -> Attributes:
    """Of the call to the upstream, as the conventions for models and for MCP have it."""
    found = {**model_attributes(record, telling), **mcp_attributes(record)}
    if record.action == "call" and record.tool is not None:
        found[names.OPERATION] = names.EXECUTE_TOOL
    if record.action == "read" and record.tool is not None:
        found[names.MCP_RESOURCE] = record.tool
    place = names.place_of(record.upstream)
    if place is not None:
        found |= place_attributes(record) | {names.URL_SCHEME: place[0]}
    first, sent = first_token_of(record), sent_after_us(record)
    if first is not None and sent is not None and record.action in names.OPERATIONS:
        found[names.STREAM] = True
        found[names.FIRST_CHUNK] = (first - sent) / _SECOND_US
    optional: dict[str, Value | None] = {
        names.INPUT_TOKENS: record.tokens_in,
        names.OUTPUT_TOKENS: record.tokens_out,
        names.CONVERSATION: record.session,
        names.AGENT: _agent(record),
        names.ERROR_TYPE: error_of(record),
        names.CALLER: caller_of(record.principal),
        names.CALLEE: record.node or record.resource,
        names.RELATIONSHIP: record.fallback or record.relationship,
        names.ATTEMPTS: record.attempts,
        names.DESCRIPTOR: record.descriptor,
        names.COST: record.cost,
    }
    return found | {name: value for name, value in optional.items() if value is not None}


def _server_attributes(record: CallRecord, telling: Telling) -> Attributes:
    found: dict[str, Value] = {
        names.CALL: record.call,
        names.HTTP_STATUS: record.status,
        names.OUTCOME: record.outcome,
        names.DECISION: record.decision,
        names.TENANT: record.tenant,
        names.URL_SCHEME: telling.scheme,
        **mcp_attributes(record),
    }
    route = _route(record)
    if route is not None:
        found |= {names.HTTP_METHOD: "POST", names.HTTP_ROUTE: route, names.URL_PATH: route}
    optional: dict[str, Value | None] = {
        names.ERROR_TYPE: error_of(record) if record.status >= 500 else None,
        names.RULE: record.rule,
        names.PRINCIPAL: record.principal,
        names.ON_BEHALF_OF: record.chain[0] if record.chain else None,
        names.PROOF: record.proof,
        names.CALLER: caller_of(record.principal),
        names.CALLEE: record.resource,
        names.RELATIONSHIP: record.relationship,
        names.FALLBACK: record.fallback,
        names.APPROVER: record.approver,
        names.CONVERSATION: record.session,
        names.POLICIES: record.policies or None,
        names.OBLIGATIONS: record.obligations or None,
        names.WOULD_REFUSE: record.would_refuse or None,
        names.CACHED: record.cached or None,
        names.SEAMS: len(record.seams) or None,
        names.COST: record.cost,
    }
    return found | {name: value for name, value in optional.items() if value is not None}


def _route(record: CallRecord) -> str | None:
    return names.MCP_ROUTE if record.tool is not None else names.ROUTES.get(record.action)


def _server_name(record: CallRecord) -> str:
    method = method_of(record)
    if method is not None:
        return _mcp_name(record, method)
    route = names.ROUTES.get(record.action)
    return f"POST {route}" if route is not None else record.action


def _client_name(record: CallRecord, telling: Telling) -> str:
    method = method_of(record)
    if method is not None:
        return _mcp_name(record, method)
    operation = names.OPERATIONS.get(record.action, record.action)
    return f"{operation} {_model(record, telling)}".rstrip()


def _mcp_name(record: CallRecord, method: str) -> str:
    """A resource's URI is no part of a span's name: there are too many."""
    return f"{method} {record.tool}" if record.action in ("call", "prompt") else method


def _model(record: CallRecord, telling: Telling) -> str:
    node = record.node or record.resource or ""
    return telling.model_of(node) or record.resource or ""


def _agent(record: CallRecord) -> str | None:
    """The caller's name, where it is an agent: ``spiffe://DOMAIN/t/TENANT/agent/NAME``."""
    parts = (record.principal or "").split("/")
    return parts[-1] if len(parts) > 1 and parts[-2] == _AGENT else None
