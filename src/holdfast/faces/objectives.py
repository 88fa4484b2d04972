"""The window through which faces see objectives and anomalies."""

from typing import Protocol

from holdfast.telemetry.anomalies import Anomaly
from holdfast.telemetry.objectives import Standing


class ObjectivesView(Protocol):
    """Read-only; made anew every half minute, so asking for it costs nothing."""

    def standings(self) -> tuple[Standing, ...]:
        """How each objective of the blueprint stands."""
        ...

    def anomalies(self) -> tuple[Anomaly, ...]:
        """Those that go on, the gravest first; then those that ended, the last first."""
        ...
