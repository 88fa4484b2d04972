"""The feed: numbered changes to the set of revocations, signed, each committing to all before it.

A delta carries the changes after a number; a snapshot carries the whole set. Both come with a
signed head: sequence number, hash over every change so far, time. So a receiver sees a missing
change (gap), an old head played again (old), and two histories for one number (fork). A delta
without changes is a heartbeat: it says that nothing was revoked, which silence does not.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Literal, TypeAlias

import msgspec

from holdfast.core import Instant, Json, canonical_json
from holdfast.identity.errors import TokenError
from holdfast.identity.jose import (
    PublicKey,
    SigningKey,
    b64url,
    read_compact,
    seconds,
    verify_compact,
)
from holdfast.identity.revocation.errors import FeedError
from holdfast.identity.revocation.held import Held, RevocationSet
from holdfast.identity.revocation.subjects import Kind

FEED_TYPE = "revocation-feed+jwt"
FEED_BYTES_MAX = 12 * 1024 * 1024
GENESIS = sha256(b"holdfast revocation feed v1").digest()
"""The hash before the first change."""

Op: TypeAlias = Literal["lift", "revoke"]


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One change; ``seq`` counts them from 1. A ``lift`` repeats what it lifts."""

    at: Instant
    id: str
    kind: Kind
    name: str
    op: Op
    seq: int

    def held(self) -> Held:
        return Held(id=self.id, kind=self.kind, name=self.name, at=self.at)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed. ``since`` is the number a delta goes on from, None for a snapshot, whose set
    ``all`` commits to. ``iat`` is when this was so, in seconds."""

    all: str | None = None
    head: str
    iat: int
    seq: int
    since: int | None = None


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """A signed head and what it is about, as it travels."""

    token: str
    items: tuple[Item, ...] = ()
    held: tuple[Held, ...] = ()


class FeedState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a feed stands."""

    seq: int = 0
    head: bytes = GENESIS
    held: RevocationSet = msgspec.field(default_factory=RevocationSet)

    def after(self, items: Iterable[Item]) -> "FeedState":
        """The state that these changes lead to; ``FeedError`` when they do not follow on."""
        seq, head = self.seq, self.head
        more: dict[str, Held] = {}
        less: set[str] = set()
        for item in items:
            if item.seq != seq + 1:
                raise FeedError(f"change {item.seq} of the revocation feed follows change {seq}")
            seq, head = item.seq, head_after(head, item)
            if item.op == "revoke":
                more[item.id] = item.held()
                less.discard(item.id)
            else:
                more.pop(item.id, None)
                less.add(item.id)
        held = self.held.changed(more=more.values(), less=less) if seq > self.seq else self.held
        return FeedState(seq=seq, head=head, held=held)


def head_after(head: bytes, item: Item) -> bytes:
    """The hash over everything up to ``item``: of the hash before, and of the item's own."""
    body: Json = msgspec.to_builtins(item)
    return sha256(head + sha256(canonical_json(body)).digest()).digest()


def digest_of(held: Sequence[Held]) -> str:
    """What a snapshot's head says of its set, which stands in order of ids."""
    body: Json = msgspec.to_builtins(list(held))
    return b64url(sha256(canonical_json(body)).digest())


def sign_delta(state: FeedState, items: Sequence[Item], *, key: SigningKey, now: Instant) -> bytes:
    """The changes that led to ``state``; none make a heartbeat."""
    head = Head(
        head=b64url(state.head), iat=seconds(now), seq=state.seq, since=state.seq - len(items)
    )
    return _ENCODER.encode(Update(token=_signed(head, key), items=tuple(items)))


def sign_snapshot(state: FeedState, *, key: SigningKey, now: Instant) -> bytes:
    """The whole of ``state``."""
    held = state.held.all()
    head = Head(
        all=digest_of(held), head=b64url(state.head), iat=seconds(now), seq=state.seq, since=None
    )
    return _ENCODER.encode(Update(token=_signed(head, key), held=held))


def read_update(data: bytes, key: PublicKey) -> tuple[Head, Update]:
    """An update once its signature holds; ``FeedError`` for anything else."""
    if len(data) > FEED_BYTES_MAX:
        raise FeedError(f"an update of the revocation feed has {len(data)} bytes")
    try:
        update = _DECODER.decode(data)
        token = read_compact(update.token.encode())
        verify_compact(token, key, typ=FEED_TYPE)
        head = token.claims(Head)
    except (msgspec.DecodeError, TokenError) as error:
        raise FeedError(
            f"an update of the revocation feed cannot be believed: {error}",
            fix="restart the instance; if it comes again, look at who else holds its keys",
        ) from error
    return head, update


def _signed(head: Head, key: SigningKey) -> str:
    claims = msgspec.to_builtins(head)
    return key.sign({"typ": FEED_TYPE, "kid": key.public.kid}, claims)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Update)
