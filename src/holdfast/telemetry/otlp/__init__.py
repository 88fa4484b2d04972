"""OpenTelemetry out: spans, metrics and events of every call, off the log's records.

Promises: no call waits for it, and none is refused by it; nothing of what anybody said is in it; the
queues are bounded, and what they drop is counted; errors, refusals and slow calls are never sampled
away.
"""

from holdfast.telemetry.otlp.answers import Answer
from holdfast.telemetry.otlp.events import Meaning
from holdfast.telemetry.otlp.exporting import Exporter, ExportError, Means, Post, Watcher
from holdfast.telemetry.otlp.feed import Feed
from holdfast.telemetry.otlp.forms import Attributes, Signal, Source
from holdfast.telemetry.otlp.sampling import Sampler
from holdfast.telemetry.otlp.spans import Telling

__all__ = [
    "Answer",
    "Attributes",
    "ExportError",
    "Exporter",
    "Feed",
    "Meaning",
    "Means",
    "Post",
    "Sampler",
    "Signal",
    "Source",
    "Telling",
    "Watcher",
]
