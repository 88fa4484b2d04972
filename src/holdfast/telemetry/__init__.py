"""What Holdfast knows, for people's own tools: read off the log's records, never in a call's way.

Promises: no call waits for telemetry, and none costs more for it; nothing of what anybody said
leaves by it. A folder each, with a door of its own: ``otlp`` (OpenTelemetry out), ``objectives``
(service levels and their budgets), ``anomalies`` (what is unlike itself), ``tally`` (histograms by
relationship), ``call_lines`` (the canonical call log).
"""

from holdfast.telemetry.stages import stage_times

__all__ = ["stage_times"]
