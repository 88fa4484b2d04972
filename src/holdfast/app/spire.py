"""SPIRE's Workload API (extra ``spire``): identities and trust bundles of the node's agent.

X.509 and JWT bundles come by the ``spiffe`` package. It knows nothing of WIT-SVIDs yet, so these
two calls are made by gRPC directly; their few messages (workloadapi.proto) are read below. All
calls block and are bounded: use them from a thread.
"""

import contextlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from holdfast.core import HoldfastError
from holdfast.identity import (
    PublicKey,
    SigningKey,
    TokenError,
    TrustBundle,
    bundle_of,
    read_jwks,
    read_object,
    read_spiffe_id,
)
from holdfast.identity.x509 import certificate_bytes

CALL_S = 10.0
MESSAGE_BYTES_MAX = 4_194_304
BUNDLES_MAX = 1_000
SVIDS_MAX = 100

_METADATA = (("workload.spiffe.io", "true"),)  # SPIFFE_Workload_Endpoint.md section 4: against SSRF
_VARINT_BYTES_MAX = 10


class SpireError(HoldfastError):
    """SPIRE's agent did not give what was asked of it."""

    code = "identity.spire"


class WitSvid(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A WIT-SVID with its key, as the agent gave it: not yet verified."""

    principal: str
    wit: bytes
    key: SigningKey
    hint: str


class X509Material(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An X.509-SVID with its key, for TLS: chain and key as PEM."""

    principal: str
    chain: bytes
    key: bytes


def fetch_trust(socket: str, *, timeout_s: float = CALL_S) -> list[TrustBundle]:
    """The bundles of every trust domain that the agent gives, its own and those federated with.

    An agent that does not know WIT-SVIDs gives no keys for them; the rest is taken all the same.
    """
    wits = {name: read_jwks(keys) for name, keys in _wit_bundles(socket, timeout_s).items()}
    x509, jwts = _authorities(socket, timeout_s), _jwt_keys(socket, timeout_s)
    return [
        bundle_of(
            name,
            wit=wits.get(name, ()),
            # One kid may stand in both sets; which document it signs is then the WIT's.
            jwt=_others(jwts.get(name, ()), wits.get(name, ())),
            authorities=x509.get(name, ()),
        )
        for name in sorted({*wits, *x509, *jwts})
    ]


def _others(keys: Iterable[PublicKey], known: Iterable[PublicKey]) -> list[PublicKey]:
    names = {key.kid for key in known}
    return [key for key in keys if key.kid not in names]


def fetch_wits(socket: str, *, timeout_s: float = CALL_S) -> list[WitSvid]:
    """The WIT-SVIDs that this process is entitled to, each with its key."""
    reply = _first(socket, "FetchWITSVID", timeout_s)
    if reply is None:
        raise SpireError(
            "SPIRE's agent issues no WIT-SVIDs",
            fix="upgrade SPIRE, or use the built-in issuer",
        )
    found = [_wit_svid(dict(_fields(item))) for number, item in _fields(reply) if number == 1]
    if not 0 < len(found) <= SVIDS_MAX:
        raise SpireError(
            f"SPIRE's agent gave {len(found)} WIT-SVIDs, 1 to {SVIDS_MAX} are taken",
            fix="make a registration entry for Holdfast",
        )
    return found


def _wit_svid(fields: dict[int, bytes]) -> WitSvid:
    name = fields.get(1, b"").decode()
    read_spiffe_id(name)
    return WitSvid(
        principal=name,
        wit=fields.get(2, b""),
        key=SigningKey.from_jwk(read_object(fields.get(3, b""))),
        hint=fields.get(4, b"").decode(),
    )


def _wit_bundles(socket: str, timeout_s: float) -> dict[str, bytes]:
    reply = _first(socket, "FetchWITBundles", timeout_s)
    found: dict[str, bytes] = {}
    for number, entry in _fields(reply or b""):
        if number == 1 and len(found) < BUNDLES_MAX:
            pair = dict(_fields(entry))  # a map entry: 1 is the key, 2 the value
            found[read_spiffe_id(pair.get(1, b"").decode()).trust_domain] = pair.get(2, b"")
    return found


def fetch_x509(socket: str, *, timeout_s: float = CALL_S) -> X509Material:
    """The X.509-SVID that this process is entitled to first."""
    spiffe, _ = _extra()
    with _told("an X.509-SVID"), spiffe.WorkloadApiClient(socket) as client:
        svid = client.fetch_x509_svid(timeout=timeout_s)
        return X509Material(
            principal=str(svid.spiffe_id),
            chain=b"".join(certificate_bytes(one, as_pem=True) for one in svid.cert_chain),
            key=SigningKey.from_cryptography(svid.private_key).pem(),
        )


def _authorities(socket: str, timeout_s: float) -> dict[str, list[bytes]]:
    spiffe, _ = _extra()
    with _told("X.509 bundles"), spiffe.WorkloadApiClient(socket) as client:
        found = client.fetch_x509_bundles(timeout=timeout_s).bundles
        return {
            each.trust_domain.name: sorted(certificate_bytes(one) for one in each.x509_authorities)
            for each in found
        }


def _jwt_keys(socket: str, timeout_s: float) -> dict[str, list[PublicKey]]:
    spiffe, _ = _extra()
    with _told("JWT bundles"), spiffe.WorkloadApiClient(socket) as client:
        found = client.fetch_jwt_bundles(timeout=timeout_s).bundles
        return {each.trust_domain.name: list(_known(each.jwt_authorities)) for each in found}


def _known(keys: Mapping[str, object]) -> Iterator[PublicKey]:
    for kid, key in sorted(keys.items()):
        with contextlib.suppress(TokenError):  # a kind that is not used here, such as P-384
            yield PublicKey.from_cryptography(key, kid=kid)


def _first(socket: str, method: str, timeout_s: float) -> bytes | None:
    """The first message of a stream, None where the agent does not know the method."""
    _, grpc = _extra()
    target = socket if socket.startswith("unix:") else f"unix:{socket}"
    options = [("grpc.max_receive_message_length", MESSAGE_BYTES_MAX)]
    with grpc.insecure_channel(target, options=options) as channel:
        call = channel.unary_stream(f"/SpiffeWorkloadAPI/{method}")
        try:
            for message in call(b"", timeout=timeout_s, metadata=_METADATA):
                return message
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return None
            raise SpireError(
                f"SPIRE's agent refused {method}: {error.code().name}",
                fix=f"check that the agent listens at {socket} and has an entry for Holdfast",
            ) from error
    raise SpireError(f"SPIRE's agent answered {method} with nothing")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a Protocol Buffers message; there are no others here."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        size, at = _varint(message, at)
        if tag & 7 != 2 or at + size > len(message):
            raise SpireError("SPIRE's agent sent a message of another form")
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(message[at : at + _VARINT_BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise SpireError("SPIRE's agent sent a message of another form")


def _extra() -> tuple[Any, Any]:
    """The two packages of the extra. Neither describes its types."""
    try:
        import grpc  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]
        import spiffe  # noqa: PLC0415
    except ImportError as error:
        raise SpireError(
            "the Workload API of SPIRE needs the extra 'spire'",
            fix="pip install 'holdfast[spire]'",
        ) from error
    return spiffe, grpc


@contextlib.contextmanager
def _told(what: str) -> Generator[None]:
    """Whatever the ``spiffe`` package raises (its own base is private), said in our words."""
    try:
        yield
    except HoldfastError:
        raise
    except Exception as error:
        raise SpireError(
            f"SPIRE's agent did not give {what}: {error}",
            fix="check that the agent runs and has an entry for Holdfast",
        ) from error
