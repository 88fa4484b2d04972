"""What can be wrong with what drift is given to read."""

from holdfast.core import HoldfastError


class DriftError(HoldfastError):
    """What runs could not be compared with what is declared."""

    code = "drift.failed"


class TracesError(DriftError):
    """These bytes are no traces in a format that is read."""

    code = "drift.traces"


class TracesSizeError(DriftError):
    """More was sent at once than is taken."""

    code = "drift.traces-size"


class BindingsError(DriftError):
    """The file that binds identities to nodes says something that cannot be followed."""

    code = "drift.bindings"
