"""What keeper and worker say to each other, and the frames they say it in.

A socket pair carries length-prefixed MessagePack. Its end is a message too: a worker whose keeper
is gone drains and exits, since nobody would integrate its records any more.
"""

import asyncio
import socket
from typing import TypeAlias

import msgspec

from holdfast.core import HoldfastError
from holdfast.gateway import (
    Cancelled,
    News,
    NodeSeen,
    Question,
    Seen,
    Totals,
    UpstreamSeen,
    Verdict,
)
from holdfast.identity.revocation import Freshness
from holdfast.registry import DescriptorKind
from holdfast.resilience import (
    LeaseDenied,
    LeaseGranted,
    LeaseRecalled,
    LeaseReturned,
    LeaseShort,
    LeaseWanted,
)

FRAME_BYTES_MAX = 16 * 1024 * 1024
_PREFIX_BYTES = 4


class ChannelError(HoldfastError):
    """The other process broke the channel's rules."""

    code = "app.channel"


class Prepare(msgspec.Struct, frozen=True, tag=True):
    """Build a path from this blueprint, and say whether it can be built."""

    generation: int
    source: str
    text: str
    files: dict[str, str]
    credentials: bytes
    signed: bool = False


class Adopt(msgspec.Struct, frozen=True, tag=True):
    """Every worker could: use it."""

    generation: int


class NewCredentials(msgspec.Struct, frozen=True, tag=True):
    """Keys were made or revoked."""

    ticket: int
    credentials: bytes


class RenewTls(msgspec.Struct, frozen=True, tag=True):
    """The certificate's files have changed: read them again."""


class Drain(msgspec.Struct, frozen=True, tag=True):
    """Stop accepting, finish, exit; told again, sooner.

    ``patient`` when a successor takes the calls: idle connections are left to their next request.
    """

    within_s: float
    patient: bool = False


class UpstreamNews(msgspec.Struct, frozen=True, tag=True):
    """From the worker that learnt it to the keeper, and from there to every other."""

    news: News


class CancelNews(msgspec.Struct, frozen=True, tag=True):
    """A client took a request back at a worker that does not carry it: another may."""

    cancelled: Cancelled


class ApprovalAsked(msgspec.Struct, frozen=True, tag=True):
    """A call waits at a worker for a person's word."""

    question: Question


class ApprovalWithdrawn(msgspec.Struct, frozen=True, tag=True):
    """It waits no more, though nobody decided."""

    call: str


class ApprovalGiven(msgspec.Struct, frozen=True, tag=True):
    """Somebody decided, yes or no."""

    verdict: Verdict


class RevocationNews(msgspec.Struct, frozen=True, tag=True):
    """An update of the revocation feed: at once when something is revoked, and each second without
    a change, so that silence tells too. ``ticket`` 0 wants no answer."""

    ticket: int
    update: bytes


class PassportNews(msgspec.Struct, frozen=True, tag=True):
    """All passports, whenever one has changed."""

    roll: bytes


class TrustNews(msgspec.Struct, frozen=True, tag=True):
    """Whose identities are believed: the issuer with its keys, our own addresses, and the SPIFFE
    bundles of foreign trust domains. Holds secrets: this channel has two ends and no third."""

    issuer: bytes
    tenant: str
    origins: tuple[str, ...]
    federated: dict[str, bytes]


class PinsNews(msgspec.Struct, frozen=True, tag=True):
    """The approved tools, whenever that has changed. ``ticket`` 0 wants no answer."""

    ticket: int
    pins: bytes


class SeenTool(msgspec.Struct, frozen=True):
    """One description that a server shows."""

    kind: DescriptorKind
    body: bytes


class ToolsSeen(msgspec.Struct, frozen=True, tag=True):
    """What a worker saw a server show that is not approved as it is."""

    server: str
    items: list[SeenTool]


class PinsAdopted(msgspec.Struct, frozen=True, tag=True):
    ticket: int


class CheckpointNews(msgspec.Struct, frozen=True, tag=True):
    """The log has a new checkpoint: what every answer says of it from now on."""

    value: str


class Prepared(msgspec.Struct, frozen=True, tag=True):
    generation: int
    problem: str | None


class Adopted(msgspec.Struct, frozen=True, tag=True):
    generation: int


class CredentialsAdopted(msgspec.Struct, frozen=True, tag=True):
    ticket: int


class RevocationsHeard(msgspec.Struct, frozen=True, tag=True):
    ticket: int


class RevocationsWanted(msgspec.Struct, frozen=True, tag=True):
    """The worker has missed an update: it needs the whole set. ``ticket`` is the update's."""

    ticket: int


class RevocationsSeen(msgspec.Struct, frozen=True):
    """What a worker knows of revocations: up to which change, how many hold, how old that is."""

    seq: int = 0
    held: int = 0
    freshness: Freshness = "dead"
    fault: str | None = None


class Report(msgspec.Struct, frozen=True, tag=True):
    """What the worker's calls do now; sent a few times a second."""

    totals: Totals
    in_flight: list[Seen]
    ended: list[Seen]
    fault: str | None
    nodes: list[NodeSeen]
    upstreams: list[UpstreamSeen]
    revocations: RevocationsSeen = RevocationsSeen()


class Drained(msgspec.Struct, frozen=True, tag=True):
    cut: int


Message: TypeAlias = (
    Prepare
    | Adopt
    | NewCredentials
    | Drain
    | RenewTls
    | UpstreamNews
    | CancelNews
    | ApprovalAsked
    | ApprovalWithdrawn
    | ApprovalGiven
    | RevocationNews
    | PassportNews
    | TrustNews
    | PinsNews
    | PinsAdopted
    | ToolsSeen
    | CheckpointNews
    | Prepared
    | Adopted
    | CredentialsAdopted
    | RevocationsHeard
    | RevocationsWanted
    | Report
    | Drained
    | LeaseWanted
    | LeaseGranted
    | LeaseShort
    | LeaseDenied
    | LeaseRecalled
    | LeaseReturned
)


class Channel:
    """One end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)

    @classmethod
    async def over(cls, sock: socket.socket) -> "Channel":
        """The channel over one socket of a pair."""
        reader, writer = await asyncio.open_unix_connection(sock=sock)
        return cls(reader, writer)

    def send(self, message: Message) -> None:
        """Queue a message; frames are small and the other side always reads.

        One to a process that is gone is dropped: ``receive`` tells that it is.
        """
        if self._writer.is_closing():
            # uvloop would raise, and a worker that outlives its keeper would drop its calls.
            return
        data = self._encoder.encode(message)
        if len(data) > FRAME_BYTES_MAX:
            raise ChannelError(f"a message of {len(data)} bytes exceeds {FRAME_BYTES_MAX}")
        self._writer.write(len(data).to_bytes(_PREFIX_BYTES, "big") + data)

    async def receive(self) -> Message | None:
        """The next message, None when the other side is gone."""
        try:
            prefix = await self._reader.readexactly(_PREFIX_BYTES)
            size = int.from_bytes(prefix, "big")
            if size > FRAME_BYTES_MAX:
                raise ChannelError(f"a frame of {size} bytes exceeds {FRAME_BYTES_MAX}")
            return self._decoder.decode(await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def close(self) -> None:
        self._writer.close()
