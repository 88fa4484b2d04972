"""Reading what was seen: traces in four formats, the gateway's records.

Promises: readers are pure and bounded by what they are given; what is no message of its format is a
``TracesError``; names that conventions have changed are brought to their newest form.
"""

from holdfast.loops.drift.observe.edges import observe_trace
from holdfast.loops.drift.observe.gathering import SPANS_MAX, TRACES_MAX, WAIT_S, Gathering
from holdfast.loops.drift.observe.jaeger import read_jaeger
from holdfast.loops.drift.observe.nezha import HEAD as NEZHA_HEAD
from holdfast.loops.drift.observe.nezha import read_nezha
from holdfast.loops.drift.observe.otlp_json import read_otlp_json
from holdfast.loops.drift.observe.otlp_wire import read_otlp_wire
from holdfast.loops.drift.observe.records import Records
from holdfast.loops.drift.observe.spans import Origin, Span

__all__ = [
    "NEZHA_HEAD",
    "SPANS_MAX",
    "TRACES_MAX",
    "WAIT_S",
    "Gathering",
    "Origin",
    "Records",
    "Span",
    "observe_trace",
    "read_jaeger",
    "read_nezha",
    "read_otlp_json",
    "read_otlp_wire",
]
