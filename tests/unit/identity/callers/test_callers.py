"""Whom a request's credentials name: one caller, proven, with no more authority than it was given."""

from collections.abc import Mapping
from hashlib import sha256

import msgspec
import pytest

from holdfast.core import Instant
from holdfast.identity import (
    CertificateRefusedError,
    ProofMismatchError,
    ProofMissingError,
    ProofReplayedError,
    SigningKey,
    TokenError,
    TokenExpiredError,
    TokenIssuerError,
    Trust,
    bundle_of,
)
from holdfast.identity.authority import Authority
from holdfast.identity.callers import Callers
from holdfast.identity.callers.errors import (
    BearerTokenError,
    CallerRevokedError,
    CredentialsAmbiguousError,
    RevocationsUnknownError,
)
from holdfast.identity.callers.identifying import Shown
from holdfast.identity.mandates import (
    Holder,
    MandateBuildError,
    MandateHolderError,
    MandateIssuer,
    MandateRevokedError,
    MandateVerifier,
    Terms,
    delegate,
    grant_to_service,
)
from holdfast.identity.passports import Passports
from holdfast.identity.proofs import (
    Bound,
    ReplayCache,
    Request,
    Sessions,
    make_dpop,
    open_grant,
    sign_by_session,
)
from holdfast.identity.revocation import FeedState, Item, Revocations, sign_snapshot
from holdfast.identity.wimse import issue_wit, make_wpt, sign_request
from holdfast.world.sim import SimEntropy

NOW = Instant(1_800_000_000_000_000)
SECOND = 1_000_000
ORIGIN = "https://gateway.test"
ISS = "https://issuer.test"
DESK = "spiffe://holdfast.local/t/legal/agent/desk"
CLERK = "spiffe://holdfast.local/t/legal/agent/clerk"
BUILD = "sha256:" + "b" * 64
ASKS = Authority(
    type="llm",
    locations=frozenset(("spiffe://holdfast.local/t/legal/model/reviewer",)),
    actions=frozenset(("generate",)),
)
BODY = b'{"model":"reviewer"}'


class World:
    """An issuer, two agents with their keys, and the verifier of one worker."""

    def __init__(self) -> None:
        self.entropy = SimEntropy(7)
        self.issuer = SigningKey.generate(self.entropy, kid="issuer")
        self.desk = SigningKey.generate(self.entropy)
        self.clerk = SigningKey.generate(self.entropy)
        self.sessions = Sessions(b"root of all sessions")
        self.revocations = Revocations.unfed()
        self.certificates: dict[bytes, Shown] = {}
        self.callers = self.verifier()

    def verifier(self, revocations: Revocations | None = None) -> Callers:
        keys = {ISS: {"issuer": self.issuer.public}}
        return Callers(
            Trust([bundle_of("holdfast.local", wit=[self.issuer.public])]),
            mandates=MandateVerifier(ORIGIN, keys),
            sessions=self.sessions,
            replays=ReplayCache(),
            revocations=revocations or self.revocations,
            passports=Passports(),
            certificates=self.certificate,
        )

    def certificate(self, der: bytes, *, now: Instant) -> Shown:
        if der not in self.certificates:
            raise CertificateRefusedError("a certificate is of nobody we know")
        return self.certificates[der]

    def wit(self, name: str = DESK, key: SigningKey | None = None, **more) -> bytes:
        made = issue_wit(
            self.issuer,
            subject=name,
            key=(key or self.desk).public,
            now=NOW,
            lifetime_s=600,
            jti="wit-1",
            **more,
        )
        return made.encode()

    def mandate(self, *, depth: int = 2, build: str | None = None) -> bytes:
        return grant_to_service(
            MandateIssuer(iss=ISS, key=self.issuer),
            Holder(agent=DESK, key=self.desk.public, build=build),
            terms=Terms(audience=ORIGIN, ttl_s=300, depth=depth),
            asked=[ASKS],
            widest=[ASKS],
            now=NOW,
            entropy=self.entropy,
        )

    def link(self, parent: bytes) -> bytes:
        return delegate(
            parent,
            self.desk,
            to=CLERK,
            key=self.clerk.public,
            authority=[ASKS],
            ttl_s=60,
            now=NOW,
            entropy=self.entropy,
        )

    def proven(self, headers: Mapping[bytes, bytes], key: SigningKey, **more) -> Request:
        """With a WPT in place."""
        asked = request(headers)
        wit = headers[b"workload-identity-token"]
        wpt = make_wpt(key, asked, wit=wit, now=NOW, entropy=self.entropy, **more)
        return request({**headers, b"workload-proof-token": wpt.encode()})


def request(headers: Mapping[bytes, bytes], body: bytes = BODY) -> Request:
    return Request(
        method="POST",
        target="/v1/chat/completions",
        origins=(ORIGIN,),
        headers={b"content-type": b"application/json", **headers},
        body=body,
    )


def revoking(kind: str, name: str) -> Revocations:
    """A feed that knows one revocation."""
    key = SigningKey.generate(SimEntropy(8), kid="feed")
    item = Item(at=NOW, id="r1", kind=kind, name=name, op="revoke", seq=1)
    revocations = Revocations(key.public)
    revocations.take(sign_snapshot(FeedState().after([item]), key=key, now=NOW), now=NOW)
    return revocations


@pytest.fixture
def world() -> World:
    return World()


def test_a_request_that_shows_no_identity_or_only_a_key_is_left_to_the_keys(world: World) -> None:
    for headers in ({}, {b"authorization": b"Bearer hf_0123456789_x"}, {b"authorization": b"x"}):
        assert world.callers.identify(request(headers), None, now=NOW) is None


def test_a_wit_and_its_proof_name_the_caller(world: World) -> None:
    wit = world.wit(build=BUILD, tier=2)
    caller = world.callers.identify(
        world.proven({b"workload-identity-token": wit}, world.desk), None, now=NOW
    )
    assert caller is not None
    assert (caller.principal, caller.proof, caller.credential) == (DESK, "wpt", "wit-1")
    assert (caller.build, caller.tier, caller.thumbprint) == (
        BUILD,
        2,
        world.desk.public.thumbprint,
    )
    assert (caller.chain, caller.depth, caller.on_behalf_of, caller.attested) == (
        (),
        0,
        None,
        "none",
    )


def test_a_wit_alone_is_no_credential(world: World) -> None:
    with pytest.raises(ProofMissingError):
        world.callers.identify(request({b"workload-identity-token": world.wit()}), None, now=NOW)


def test_the_proof_must_be_of_the_key_that_the_wit_names(world: World) -> None:
    with pytest.raises(TokenError) as refused:
        world.callers.identify(
            world.proven({b"workload-identity-token": world.wit()}, world.clerk), None, now=NOW
        )
    assert refused.value.code == "identity.token-signature"


def test_a_proof_serves_once_and_for_the_body_it_was_made_for(world: World) -> None:
    asked = world.proven({b"workload-identity-token": world.wit()}, world.desk)
    world.callers.identify(asked, None, now=NOW)
    with pytest.raises(ProofReplayedError):
        world.callers.identify(asked, None, now=NOW)
    other = world.proven({b"workload-identity-token": world.wit()}, world.desk)
    with pytest.raises(ProofMismatchError):
        world.callers.identify(msgspec.structs.replace(other, body=b"{}"), None, now=NOW)


def test_a_wit_is_forgotten_when_it_ends_though_it_was_verified_before(world: World) -> None:
    wit = world.wit()
    world.callers.identify(
        world.proven({b"workload-identity-token": wit}, world.desk), None, now=NOW
    )
    with pytest.raises(TokenExpiredError):
        world.callers.identify(
            world.proven({b"workload-identity-token": wit}, world.desk),
            None,
            now=Instant(NOW + 600 * SECOND),
        )


def test_a_wit_of_a_trust_domain_that_is_not_ours_is_refused(world: World) -> None:
    foreign = world.wit("spiffe://elsewhere.test/t/legal/agent/desk")
    with pytest.raises(TokenIssuerError):
        world.callers.identify(
            world.proven({b"workload-identity-token": foreign}, world.desk), None, now=NOW
        )


def test_an_http_signature_of_the_wit_s_key_is_a_proof(world: World) -> None:
    headers = {b"workload-identity-token": world.wit()}
    signed = sign_request(world.desk, request(headers), now=NOW, entropy=world.entropy)
    caller = world.callers.identify(request({**headers, **signed}), None, now=NOW)
    assert caller is not None
    assert caller.proof == "signature"


# -- mutual TLS -----------------------------------------------------------------------------


def shown(world: World, key: SigningKey, name: str = DESK) -> bytes:
    der = name.encode() + key.public.thumbprint.encode()
    world.certificates[der] = Shown(
        subject=name,
        thumbprint=key.public.thumbprint,
        expires=Instant(NOW + 60 * SECOND),
        serial="1a",
    )
    return der


def test_a_certificate_names_and_proves_its_holder(world: World) -> None:
    caller = world.callers.identify(request({}), shown(world, world.desk), now=NOW)
    assert caller is not None
    assert (caller.principal, caller.proof, caller.credential) == (DESK, "mtls", "1a")
    assert caller.expires == NOW + 60 * SECOND


def test_a_certificate_proves_a_wit_only_of_the_same_name_and_key(world: World) -> None:
    headers = {b"workload-identity-token": world.wit(tier=1)}
    caller = world.callers.identify(request(headers), shown(world, world.desk), now=NOW)
    assert caller is not None
    assert (caller.proof, caller.tier) == ("mtls", 1)
    for other in (shown(world, world.clerk), shown(world, world.desk, CLERK)):
        with pytest.raises(ProofMissingError):
            world.callers.identify(request(headers), other, now=NOW)


def test_a_certificate_that_is_no_identity_is_refused(world: World) -> None:
    with pytest.raises(CertificateRefusedError):
        world.callers.identify(request({}), b"stranger's", now=NOW)


def test_a_key_counts_as_the_caller_beside_a_certificate(world: World) -> None:
    key = {b"authorization": b"Bearer hf_0123456789_x"}
    assert world.callers.identify(request(key), shown(world, world.desk), now=NOW) is None


# -- mandates -------------------------------------------------------------------------------


def test_a_mandate_counts_for_its_holder(world: World) -> None:
    mandate = world.link(world.mandate())
    headers = {
        b"workload-identity-token": world.wit(CLERK, world.clerk),
        b"holdfast-mandate": mandate,
    }
    caller = world.callers.identify(world.proven(headers, world.clerk), None, now=NOW)
    assert caller is not None
    assert caller.mandate is not None
    assert (caller.chain, caller.depth, caller.on_behalf_of) == ((DESK, CLERK), 1, DESK)
    assert caller.mandate.authorities == (ASKS,)
    assert caller.expires == NOW + 60 * SECOND


def test_a_mandate_counts_for_nobody_else(world: World) -> None:
    headers = {
        b"workload-identity-token": world.wit(CLERK, world.clerk),
        b"holdfast-mandate": world.mandate(),
    }
    with pytest.raises(MandateHolderError):
        world.callers.identify(world.proven(headers, world.clerk), None, now=NOW)


def test_a_mandate_of_one_build_does_not_count_for_another(world: World) -> None:
    mandate = world.mandate(build=BUILD)
    for build, is_good in ((BUILD, True), ("sha256:" + "c" * 64, False), (None, False)):
        headers = {
            b"workload-identity-token": world.wit(build=build),
            b"holdfast-mandate": mandate,
        }
        asked = world.proven(headers, world.desk)
        if is_good:
            assert world.callers.identify(asked, None, now=NOW) is not None
        else:
            with pytest.raises(MandateBuildError):
                world.callers.identify(asked, None, now=NOW)


def test_a_mandate_that_the_proof_does_not_cover_is_refused(world: World) -> None:
    asked = world.proven({b"workload-identity-token": world.wit()}, world.desk)
    slipped_in = request({**asked.headers, b"holdfast-mandate": world.mandate()})
    with pytest.raises(ProofMismatchError):
        world.callers.identify(slipped_in, None, now=NOW)


def test_a_mandate_without_an_identity_is_refused(world: World) -> None:
    with pytest.raises(ProofMissingError):
        world.callers.identify(request({b"holdfast-mandate": world.mandate()}), None, now=NOW)


# -- one request, one caller ----------------------------------------------------------------


def test_two_identities_are_never_guessed_between(world: World) -> None:
    asked = world.proven({b"workload-identity-token": world.wit()}, world.desk)
    key = {b"authorization": b"Bearer hf_0123456789_x"}
    with pytest.raises(CredentialsAmbiguousError):
        world.callers.identify(request({**asked.headers, **key}), None, now=NOW)


def test_two_proofs_are_never_chosen_between(world: World) -> None:
    asked = world.proven({b"workload-identity-token": world.wit()}, world.desk)
    dpop = make_dpop(world.desk, asked, token=None, now=NOW, entropy=world.entropy)
    with pytest.raises(CredentialsAmbiguousError):
        world.callers.identify(request({**asked.headers, b"dpop": dpop.encode()}), None, now=NOW)


def test_an_access_token_is_never_a_bearer_s(world: World) -> None:
    token = {b"authorization": b"Bearer " + world.mandate()}
    with pytest.raises(BearerTokenError):
        world.callers.identify(request(token), None, now=NOW)


# -- sessions -------------------------------------------------------------------------------


def session(world: World, headers: Mapping[bytes, bytes], mandate: bytes = b"") -> Request:
    digest = sha256(mandate).digest() if mandate else b""
    bound = Bound(principal=DESK, thumbprint=world.desk.public.thumbprint, mandate=digest)
    ephemeral = SigningKey.generate(world.entropy)
    grant = world.sessions.open(
        bound, ephemeral.public, now=NOW, until=Instant(NOW + 60 * SECOND), entropy=world.entropy
    )
    secret = open_grant(grant, ephemeral)
    asked = request(headers)
    signed = sign_by_session(secret, grant.session, asked, now=NOW, entropy=world.entropy)
    return request({**headers, **signed})


def test_a_session_s_signature_proves_its_holder(world: World) -> None:
    asked = session(world, {b"workload-identity-token": world.wit()})
    caller = world.callers.identify(asked, None, now=NOW)
    assert caller is not None
    assert caller.proof == "session"
    with pytest.raises(ProofReplayedError):
        world.callers.identify(asked, None, now=NOW)


def test_a_session_is_of_one_mandate(world: World) -> None:
    mandate = world.mandate()
    headers = {b"workload-identity-token": world.wit(), b"holdfast-mandate": mandate}
    assert world.callers.identify(session(world, headers, mandate), None, now=NOW) is not None
    with pytest.raises(TokenError):
        world.callers.identify(session(world, headers), None, now=NOW)


# -- revocation -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [("agent", DESK), ("principal", DESK), ("tenant", "legal"), ("build", BUILD)],
)
def test_whoever_is_revoked_is_refused_though_its_wit_is_known(kind: str, name: str) -> None:
    world = World()
    headers = {b"workload-identity-token": world.wit(build=BUILD)}
    assert world.callers.identify(world.proven(headers, world.desk), None, now=NOW) is not None
    strict = world.verifier(revoking(kind, name))
    with pytest.raises(CallerRevokedError) as refused:
        strict.identify(world.proven(headers, world.desk), None, now=NOW)
    assert refused.value.caller.principal == DESK


def test_a_mandate_dies_with_whoever_it_came_through() -> None:
    world = World()
    headers = {
        b"workload-identity-token": world.wit(CLERK, world.clerk),
        b"holdfast-mandate": world.link(world.mandate()),
    }
    strict = world.verifier(revoking("agent", DESK))
    with pytest.raises(MandateRevokedError):
        strict.identify(world.proven(headers, world.clerk), None, now=NOW)


def test_without_word_of_what_is_revoked_no_mandate_is_believed() -> None:
    world = World()
    revocations = revoking("agent", CLERK)
    strict = world.verifier(revocations)
    later = Instant(NOW + 61 * SECOND)
    mandate = world.mandate()
    headers = {b"workload-identity-token": world.wit(), b"holdfast-mandate": mandate}
    asked = request(headers)
    wpt = make_wpt(
        world.desk,
        asked,
        wit=headers[b"workload-identity-token"],
        now=later,
        entropy=world.entropy,
    )
    with pytest.raises(RevocationsUnknownError):
        strict.identify(
            request({**headers, b"workload-proof-token": wpt.encode()}), None, now=later
        )
