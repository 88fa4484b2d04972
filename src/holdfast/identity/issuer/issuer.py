"""The built-in issuer: one machine's identity server.

Three rings of keys that never stand in for one another: for workload identities (WIT-SVIDs), for
tokens (mandates and what the exchange mints), and a CA for X.509-SVIDs. State is a value: rotating
gives another issuer, and who holds it writes it down before using it.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from holdfast.core import Instant
from holdfast.identity.bundles import TrustBundle, bundle_of
from holdfast.identity.errors import IdentityError
from holdfast.identity.issuer.rotation import KeyRecord, KeyRing
from holdfast.identity.jose import PublicKey, SigningKey, b64url
from holdfast.identity.names import read_spiffe_id, read_trust_domain
from holdfast.identity.wimse.wit import WIT_LIFETIME_S_MAX, Ear, issue_wit
from holdfast.identity.x509.svid import found_authority, issue_x509_svid
from holdfast.world.ports import Entropy

TOKEN_KEPT_S = WIT_LIFETIME_S_MAX + 120
"""How long a key is published after its last signature: the longest life of a token, and skew."""


_DEFAULT_LIFETIME_S = 1_800
_JTI_BYTES = 16


class _State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    trust_domain: str
    sequence: int
    identities: KeyRing
    tokens: KeyRing
    authority: KeyRing


class Issuer:
    """Issues identities of one trust domain, and signs tokens. Immutable."""

    __slots__ = ("_keys", "_public", "_state")

    def __init__(self, state: _State) -> None:
        self._state = state
        self._keys: dict[str, SigningKey] = {}
        self._public = MappingProxyType({str(key.kid): key for key in state.tokens.public()})

    @classmethod
    def found(cls, trust_domain: str, *, now: Instant, entropy: Entropy) -> "Issuer":
        """An issuer with new keys."""
        state = _State(
            trust_domain=read_trust_domain(trust_domain),
            sequence=0,
            identities=KeyRing(kept_s=TOKEN_KEPT_S),
            tokens=KeyRing(kept_s=TOKEN_KEPT_S),
            authority=KeyRing(kept_s=TOKEN_KEPT_S),
        )
        return cls(_turned(state, now, entropy))

    @property
    def trust_domain(self) -> str:
        return self._state.trust_domain

    @property
    def sequence(self) -> int:
        """Grows with every change of the published keys."""
        return self._state.sequence

    def is_due(self, now: Instant) -> bool:
        """Whether ``rotated`` would change anything."""
        state = self._state
        return any(ring.is_due(now) for ring in (state.identities, state.tokens, state.authority))

    def rotated(self, now: Instant, entropy: Entropy) -> "Issuer":
        """The issuer with what is due done; itself when nothing is.

        What was signed before stays good: a key is published until the last of it has ended.
        """
        return Issuer(_turned(self._state, now, entropy)) if self.is_due(now) else self

    def issue_wit(
        self,
        subject: str,
        key: PublicKey,
        *,
        now: Instant,
        entropy: Entropy,
        lifetime_s: int = _DEFAULT_LIFETIME_S,
        build: str | None = None,
        tier: int | None = None,
        ear: Ear | None = None,
    ) -> str:
        """A WIT-SVID of this trust domain."""
        self._check_own(subject)
        return issue_wit(
            self._signer(self._state.identities.signing(now)),
            subject=subject,
            key=key,
            now=now,
            lifetime_s=lifetime_s,
            jti=b64url(entropy.noise(_JTI_BYTES)),
            build=build,
            tier=tier,
            ear=ear,
        )

    def issue_x509_svid(
        self,
        subject: str,
        key: PublicKey,
        *,
        now: Instant,
        entropy: Entropy,
        lifetime_s: int = _DEFAULT_LIFETIME_S,
        hosts: Sequence[str] = (),
    ) -> bytes:
        """An X.509-SVID of this trust domain, DER."""
        self._check_own(subject)
        record = self._state.authority.signing(now)
        return issue_x509_svid(
            self._signer(record),
            _certificate(record),
            subject=subject,
            key=key,
            now=now,
            lifetime_s=lifetime_s,
            entropy=entropy,
            hosts=hosts,
        )

    def sign(
        self, header: Mapping[str, object], payload: Mapping[str, object], *, now: Instant
    ) -> str:
        """A token, such as a root mandate, by the key that signs tokens now; ``kid`` is put in."""
        key = self._signer(self._state.tokens.signing(now))
        return key.sign({**header, "kid": key.public.kid}, payload)

    def token_key(self, now: Instant) -> SigningKey:
        """The key that signs tokens now: for whoever builds them, such as ``mandates.exchange``."""
        return self._signer(self._state.tokens.signing(now))

    def keys(self) -> Mapping[str, PublicKey]:
        """By ``kid``, the keys that ``sign`` signs with: for whoever verifies mandates."""
        return self._public

    def jwks(self) -> bytes:
        """The JWK set (RFC 7517) of ``keys``: what /.well-known/jwks.json answers."""
        keys = [{**key.jwk(), "use": "sig"} for key in self._public.values()]
        return msgspec.json.encode({"keys": keys})

    def bundle(self) -> TrustBundle:
        """What others verify our identities with."""
        state = self._state
        return bundle_of(
            state.trust_domain,
            wit=state.identities.public(),
            authorities=[_certificate(record) for record in state.authority.keys],
            sequence=state.sequence,
        )

    def encode(self) -> bytes:
        """All of it with its secrets: for a file that its owner alone may read."""
        return msgspec.json.encode(self._state)

    @classmethod
    def decode(cls, data: bytes) -> "Issuer":
        """What ``encode`` made; ``IdentityError`` for anything else."""
        try:
            return cls(msgspec.json.decode(data, type=_State))
        except msgspec.DecodeError as error:
            raise IdentityError(
                "the issuer's keys cannot be read",
                fix="restore the file from a backup; without it all identities must be issued anew",
            ) from error

    def _check_own(self, subject: str) -> None:
        if read_spiffe_id(subject).trust_domain != self._state.trust_domain:
            raise IdentityError(
                "an identity of another trust domain was asked for",
                fix=f"name it spiffe://{self._state.trust_domain}/...",
            )

    def _signer(self, record: KeyRecord) -> SigningKey:
        key = self._keys.get(record.pem)
        if key is None:
            key = self._keys[record.pem] = record.key()
        return key

    def __repr__(self) -> str:
        return f"Issuer({self.trust_domain}, sequence={self.sequence})"


def _certificate(record: KeyRecord) -> bytes:
    if record.certificate is None:
        raise IdentityError("a key of the authority has no certificate")
    return record.certificate


def _turned(state: _State, now: Instant, entropy: Entropy) -> _State:
    authority = state.authority.turned(now, entropy)
    return msgspec.structs.replace(
        state,
        sequence=state.sequence + 1,
        identities=state.identities.turned(now, entropy),
        tokens=state.tokens.turned(now, entropy),
        authority=msgspec.structs.replace(
            authority,
            keys=tuple(_certified(key, state.trust_domain, now, entropy) for key in authority.keys),
        ),
    )


def _certified(record: KeyRecord, trust_domain: str, now: Instant, entropy: Entropy) -> KeyRecord:
    """With its certificate, which begins now, so that it can be published before it signs."""
    if record.certificate is not None:
        return record
    certificate = found_authority(record.key(), trust_domain, now=now, entropy=entropy)
    return msgspec.structs.replace(record, certificate=certificate)
