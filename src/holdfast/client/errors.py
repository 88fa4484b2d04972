"""What may go wrong on a caller's own side. No message repeats a key, a token or a mandate."""

from holdfast.core import HoldfastError


class ClientError(HoldfastError):
    """The client library cannot do what was asked."""

    code = "client.failed"


class KeyFileError(ClientError):
    """The file of a key cannot be made, read or trusted."""

    code = "client.key-file"


class WitMissingError(ClientError):
    """There is no identity (WIT) for the key, or it is another key's."""

    code = "client.no-identity"


class RenewalError(ClientError):
    """An identity or mandate has ended, and there is no newer one."""

    code = "client.not-renewed"


class MandateMissingError(ClientError):
    """There is no mandate, or it was given to another key."""

    code = "client.no-mandate"


class OriginError(ClientError):
    """Where credentials may be sent is not known, or a request would take them elsewhere."""

    code = "client.origin"


class ExtraMissingError(ClientError):
    """A library that is wanted here is not installed."""

    code = "client.extra"
