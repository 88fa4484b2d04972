"""What the registry refuses."""

from holdfast.core import HoldfastError


class DescriptorError(HoldfastError):
    """What a server offers cannot be pinned: it is malformed, or larger than is reasonable."""

    code = "tools.descriptor"


class PinError(HoldfastError):
    """A decision about a tool cannot be taken as it was asked for."""

    code = "tools.pin"
