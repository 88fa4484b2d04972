"""Drift: where reality left the declaration.

Promises: ``observe`` turns traces and records into counts of who met whom; ``compare`` holds those
against a blueprint, purely, and says how sure it is and where it is blind; ``act`` offers a patch, a rule
that was replayed over past traffic, or a dated waiver. Nothing is changed by itself, and no span is
kept.
"""

from holdfast.loops.drift.act import Denial, Remedy, remedy_for
from holdfast.loops.drift.errors import BindingsError, DriftError, TracesError, TracesSizeError
from holdfast.loops.drift.intake import (
    BODY_BYTES_MAX,
    Answer,
    is_readable,
    media_of,
    read_request,
    split_by_time,
    taken,
    turned_down,
)
from holdfast.loops.drift.judge import (
    NO_BINDINGS,
    TITLES,
    Bindings,
    Finding,
    Kind,
    Period,
    Question,
    Report,
    compare,
    read_bindings,
)
from holdfast.loops.drift.observe import (
    NEZHA_HEAD,
    Gathering,
    Origin,
    Records,
    Span,
    observe_trace,
    read_jaeger,
    read_nezha,
    read_otlp_json,
    read_otlp_wire,
)
from holdfast.loops.drift.seen import seen_of
from holdfast.loops.drift.sightings import Contact, Form, Presence, Proof, Tally, identity
from holdfast.loops.drift.signals import NAMES, Signal, Signals, Sources, read_signals
from holdfast.loops.drift.store import WEEKS_KEPT, SightingStore

__all__ = [
    "BODY_BYTES_MAX",
    "NAMES",
    "NEZHA_HEAD",
    "NO_BINDINGS",
    "TITLES",
    "WEEKS_KEPT",
    "Answer",
    "Bindings",
    "BindingsError",
    "Contact",
    "Denial",
    "DriftError",
    "Finding",
    "Form",
    "Gathering",
    "Kind",
    "Origin",
    "Period",
    "Presence",
    "Proof",
    "Question",
    "Records",
    "Remedy",
    "Report",
    "SightingStore",
    "Signal",
    "Signals",
    "Sources",
    "Span",
    "Tally",
    "TracesError",
    "TracesSizeError",
    "compare",
    "identity",
    "is_readable",
    "media_of",
    "observe_trace",
    "read_bindings",
    "read_jaeger",
    "read_nezha",
    "read_otlp_json",
    "read_otlp_wire",
    "read_request",
    "read_signals",
    "remedy_for",
    "seen_of",
    "split_by_time",
    "taken",
    "turned_down",
]
