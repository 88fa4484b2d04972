"""What can go wrong between two sockets."""

from holdfast.core import HoldfastError


class WireError(HoldfastError):
    """A connection failed to carry a message."""

    code = "wire.failed"


class ConnectError(WireError):
    """No connection could be made: refused, unknown host, TLS failure."""

    code = "wire.connect"


class ResetError(WireError):
    """The connection ended before the message did."""

    code = "wire.reset"


class StaleError(ResetError):
    """A kept-alive connection ended before any byte of the answer: the race of RFC 9112 9.3.1.

    Nearly always the upstream had closed it before the request arrived; but that cannot be told
    from one that died over the request, so whoever asked decides whether to ask again.
    """

    code = "wire.stale"


class ProtocolError(WireError):
    """The other side does not speak HTTP/1.1 as RFC 9112 has it."""

    code = "wire.protocol"


class PoolFullError(WireError):
    """Every connection that may be open is in use."""

    code = "wire.pool-full"
