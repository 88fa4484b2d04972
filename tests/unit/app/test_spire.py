"""What SPIRE's agent gives is taken as it is meant, over a real Workload API socket."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from holdfast.app.spire import SpireError, fetch_trust, fetch_wits, fetch_x509
from holdfast.core import Instant
from holdfast.identity import SigningKey, TokenError, Trust
from holdfast.identity.issuer import Issuer
from holdfast.identity.wimse import verify_wit
from holdfast.identity.x509 import verify_x509_svid
from holdfast.world.sim import SimEntropy

grpc = pytest.importorskip("grpc")
pb = pytest.importorskip("spiffe._proto.workload_pb2")

NOW = Instant(1_790_000_000_000_000)
NAME = "spiffe://example.org/holdfast"
KEY = SigningKey.from_seed(b"k" * 32)
SPIRE = Issuer.found("example.org", now=NOW, entropy=SimEntropy(1))
PARTNER = Issuer.found("partner.example", now=NOW, entropy=SimEntropy(2))
WIT = SPIRE.issue_wit(NAME, KEY.public, now=NOW, entropy=SimEntropy(3))
LEAF = SPIRE.issue_x509_svid(NAME, KEY.public, now=NOW, entropy=SimEntropy(3))


def private_jwk() -> bytes:
    from base64 import urlsafe_b64encode

    number = KEY.cryptography().private_numbers().private_value
    secret = urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
    return msgspec.json.encode({**KEY.public.jwk(), "d": secret})


def varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(value)) + value


def wit_bundles() -> bytes:
    entries = b""
    for issuer in (SPIRE, PARTNER):
        name = f"spiffe://{issuer.trust_domain}".encode()
        keys = [key.jwk() for key in issuer.bundle().wit_keys.values()]
        document = msgspec.json.encode({"keys": keys})
        entries += field(1, field(1, name) + field(2, document))
    return entries


def wit_svids() -> bytes:
    svid = field(1, NAME.encode()) + field(2, WIT.encode()) + field(3, private_jwk())
    return field(1, svid + field(4, b"internal"))


def pkcs8() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return KEY.cryptography().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def answers(*, has_wits: bool) -> dict[str, bytes]:
    authorities = {
        f"spiffe://{issuer.trust_domain}": issuer.bundle().authorities[0]
        for issuer in (SPIRE, PARTNER)
    }
    svid = pb.X509SVID(
        spiffe_id=NAME,
        x509_svid=LEAF,
        x509_svid_key=pkcs8(),
        bundle=authorities["spiffe://example.org"],
    )
    jwts = {"spiffe://example.org": SPIRE.jwks()}
    found = {
        "FetchX509SVID": pb.X509SVIDResponse(svids=[svid]).SerializeToString(),
        "FetchX509Bundles": pb.X509BundlesResponse(bundles=authorities).SerializeToString(),
        "FetchJWTBundles": pb.JWTBundlesResponse(bundles=jwts).SerializeToString(),
    }
    if has_wits:
        found |= {"FetchWITSVID": wit_svids(), "FetchWITBundles": wit_bundles()}
    return found


@pytest.fixture
def agent(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A Workload API of a SPIRE agent, on a socket of its own."""

    def handler(method: str, reply: bytes) -> object:
        def answer(_request: bytes, context: object) -> Iterator[bytes]:
            assert ("workload.spiffe.io", "true") in context.invocation_metadata()
            yield reply

        return grpc.unary_stream_rpc_method_handler(answer)

    known = answers(has_wits=getattr(request, "param", True))
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        methods = {name: handler(name, reply) for name, reply in known.items()}
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("SpiffeWorkloadAPI", methods)]
        )
        address = f"unix:{tmp_path / 'agent.sock'}"
        server.add_insecure_port(address)
        server.start()
        yield address
        server.stop(0).wait()


def test_the_bundles_of_the_agent_verify_its_and_its_partners_identities(agent: str) -> None:
    bundles = fetch_trust(agent)
    assert [bundle.trust_domain for bundle in bundles] == ["example.org", "partner.example"]
    trust = Trust(bundles)
    assert verify_wit(WIT.encode(), trust, now=NOW).subject == NAME
    assert verify_x509_svid([LEAF], trust, now=NOW).subject == NAME
    guest = PARTNER.issue_wit(
        "spiffe://partner.example/agent", KEY.public, now=NOW, entropy=SimEntropy(4)
    )
    assert verify_wit(guest.encode(), trust, now=NOW).subject == "spiffe://partner.example/agent"
    assert bundles[0].jwt_keys.keys() == SPIRE.keys().keys()


def test_the_wit_svid_comes_with_the_key_that_it_confirms(agent: str) -> None:
    (found,) = fetch_wits(agent)
    assert (found.principal, found.hint) == (NAME, "internal")
    wit = verify_wit(found.wit, Trust(fetch_trust(agent)), now=NOW)
    assert wit.key == found.key.public


def test_the_x509_svid_comes_as_pem_for_tls(agent: str) -> None:
    found = fetch_x509(agent)
    assert found.principal == NAME
    assert found.chain.startswith(b"-----BEGIN CERTIFICATE-----")
    assert SigningKey.from_pem(found.key).public == KEY.public


@pytest.mark.parametrize("agent", [False], indirect=True)
def test_an_agent_that_knows_no_wits_still_gives_its_certificates(agent: str) -> None:
    trust = Trust(fetch_trust(agent))
    assert verify_x509_svid([LEAF], trust, now=NOW).subject == NAME
    with pytest.raises(TokenError):
        verify_wit(WIT.encode(), trust, now=NOW)
    with pytest.raises(SpireError, match="no WIT-SVIDs"):
        fetch_wits(agent)


def test_where_no_agent_listens_the_error_says_so(tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'nobody.sock'}"
    for fetch in (fetch_trust, fetch_wits, fetch_x509):
        with pytest.raises(SpireError):
            fetch(address, timeout_s=0.5)
