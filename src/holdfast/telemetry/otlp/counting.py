"""What of a call goes into which metric, with which attributes: few, and none of one call only."""

from typing import Final

from holdfast.audit import CallRecord
from holdfast.core import CallTrace
from holdfast.history import first_token_of
from holdfast.telemetry.otlp import names
from holdfast.telemetry.otlp.forms import Value
from holdfast.telemetry.otlp.metrics import (
    CALLS,
    COST,
    FIRST_CHUNK,
    FIRST_TOKEN,
    MCP_CLIENT,
    MCP_SERVER,
    MODEL_DURATION,
    TOKEN_USAGE,
    Labels,
    Meter,
)
from holdfast.telemetry.otlp.spans import (
    Telling,
    error_of,
    mcp_attributes,
    model_attributes,
    place_attributes,
    sent_after_us,
)

_SECOND_US: Final = 1_000_000
_NANO: Final = 1_000_000_000


def count_call(meter: Meter, record: CallRecord, ids: CallTrace | None, telling: Telling) -> None:
    """Count a call by its last record; ``ids`` where its spans are sent, for exemplars."""
    at = record.at + record.duration_us
    link: dict[str, Value] = {}
    if record.relationship is not None:
        link[names.RELATIONSHIP] = record.relationship
    ended: dict[str, Value] = {**link, names.OUTCOME: record.outcome}
    if record.rule is not None:
        ended[names.RULE] = record.rule
    meter.add(CALLS, _labels(ended), 1.0, ids=ids, at=at)
    if record.tool is not None:
        _count_mcp(meter, record, ids, link)
    if record.action in names.OPERATIONS and record.attempts:
        _count_model(meter, record, ids, link | model_attributes(record, telling))


def _count_mcp(
    meter: Meter, record: CallRecord, ids: CallTrace | None, link: dict[str, Value]
) -> None:
    at, took = record.at + record.duration_us, record.duration_us
    if record.outcome == "refused":
        # What somebody made up and was refused is no name to count by.
        known = {names.MCP_METHOD: names.METHODS.get(record.action, "_OTHER")}
    else:
        known = mcp_attributes(record)
    if record.action == "call":
        known[names.OPERATION] = names.EXECUTE_TOOL
    known |= link | _error(record)
    meter.add(MCP_SERVER, _labels(known), took / _SECOND_US, ids=ids, at=at)
    sent = sent_after_us(record)
    if sent is not None:
        known |= place_attributes(record)
        meter.add(MCP_CLIENT, _labels(known), (took - sent) / _SECOND_US, ids=ids, at=at)


def _count_model(
    meter: Meter, record: CallRecord, ids: CallTrace | None, known: dict[str, Value]
) -> None:
    at, sent = record.at + record.duration_us, sent_after_us(record) or 0
    known |= place_attributes(record)
    labels = _labels(known)
    took = (record.duration_us - sent) / _SECOND_US
    meter.add(MODEL_DURATION, _labels(known | _error(record)), took, ids=ids, at=at)
    first = first_token_of(record)
    if first is not None:
        meter.add(FIRST_TOKEN, labels, first / _SECOND_US, ids=ids, at=at)
        meter.add(FIRST_CHUNK, labels, (first - sent) / _SECOND_US, ids=ids, at=at)
    for kind, tokens in (("input", record.tokens_in), ("output", record.tokens_out)):
        if tokens is not None:
            typed = _labels(known | {names.TOKEN_TYPE: kind})
            meter.add(TOKEN_USAGE, typed, tokens, ids=ids, at=at)
    if record.cost is not None:
        meter.add(COST, labels, record.cost / _NANO, ids=ids, at=at)


def _error(record: CallRecord) -> dict[str, Value]:
    error = error_of(record)
    return {} if error is None else {names.ERROR_TYPE: error}


def _labels(found: dict[str, Value]) -> Labels:
    """One way leads to each metric, so the order is always the same."""
    return tuple(found.items())
