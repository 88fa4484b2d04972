"""The client library: an agent's identity, and clients that show it.

Promises: a key never leaves its file; an identity is replaced before it ends; every request to the
gateway carries a fresh proof, and none goes anywhere else; nothing printed shows a secret. Loading
it loads no server, and ``httpx`` only where a client of it is asked for.
"""

from holdfast.client.errors import (
    ClientError,
    ExtraMissingError,
    KeyFileError,
    MandateMissingError,
    OriginError,
    RenewalError,
    WitMissingError,
)
from holdfast.client.identity import Identity
from holdfast.client.sources import Renew, Renewed, by_command
from holdfast.client.talking import Proofs

__all__ = [
    "ClientError",
    "ExtraMissingError",
    "Identity",
    "KeyFileError",
    "MandateMissingError",
    "OriginError",
    "Proofs",
    "Renew",
    "RenewalError",
    "Renewed",
    "WitMissingError",
    "by_command",
]
