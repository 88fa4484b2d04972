"""From a request's headers and certificate to its caller.

A caller is named by a WIT (``Workload-Identity-Token``), by the certificate of its connection, or by
a flat token (``Authorization: DPoP``); it proves to hold the key that these name; and it may bring a
mandate (``Holdfast-Mandate``), which was given to that name and that key.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol

import msgspec

from holdfast.blueprint import ProofKind
from holdfast.core import Instant
from holdfast.identity.bundles import Trust
from holdfast.identity.callers.caller import Attested, Caller
from holdfast.identity.callers.errors import (
    BearerTokenError,
    CallerRevokedError,
    CredentialsAmbiguousError,
    RevocationsUnknownError,
)
from holdfast.identity.callers.remembered import KnownWits
from holdfast.identity.errors import ProofMissingError
from holdfast.identity.mandates import (
    Mandate,
    MandateBuildError,
    MandateHolderError,
    MandateVerifier,
)
from holdfast.identity.names import read_spiffe_id
from holdfast.identity.passports import Passport, Passports
from holdfast.identity.proofs import (
    MANDATE_FIELD,
    WHOLE,
    WIT_FIELD,
    Bound,
    Part,
    Proof,
    ReplayCache,
    Request,
    Sessions,
    sent_token,
    verify_dpop,
)
from holdfast.identity.revocation import Revocations, subject, subjects_of_caller
from holdfast.identity.wimse import Wit, verify_request, verify_wpt

WPT_FIELD = b"workload-proof-token"
DPOP_FIELD = b"dpop"
SIGNATURE_FIELD = b"signature-input"
_PROOFS = (WPT_FIELD, DPOP_FIELD, SIGNATURE_FIELD)
_SESSION = b"hf="
"""The label of a session's signature; WIMSE's own has another."""
_KEY = b"hf_"
_DOTS_OF_A_JWT = 2
_KINDS: Mapping[str, ProofKind] = {
    "mtls": "mtls",
    "wpt": "wpt",
    "signature": "signature",
    "dpop": "dpop",
    "session": "session",
}
_ATTESTED: Mapping[str, Attested] = {
    "affirming": "affirming",
    "warning": "warning",
    "contraindicated": "contraindicated",
}


class Shown(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Who a certificate says its holder is, verified."""

    subject: str
    thumbprint: str
    expires: Instant
    serial: str


class Certificates(Protocol):
    """Reads the certificate of a connection."""

    def __call__(self, certificate: bytes, /, *, now: Instant) -> Shown:
        """Who it names; ``CertificateRefusedError`` when it is no X.509-SVID to believe."""
        ...


class _Named(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The name and key that a request's credentials agree on."""

    subject: str
    thumbprint: str
    credential: str
    expires: Instant
    wit: Wit | None = None
    flat: Mandate | None = None


class Callers:
    """Identifies callers, for one worker and one state of trust."""

    __slots__ = (
        "_certificates",
        "_mandates",
        "_passports",
        "_replays",
        "_revocations",
        "_sessions",
        "_wits",
    )

    def __init__(
        self,
        trust: Trust,
        *,
        mandates: MandateVerifier,
        sessions: Sessions,
        replays: ReplayCache,
        revocations: Revocations,
        passports: Passports,
        certificates: Certificates,
    ) -> None:
        self._wits = KnownWits(trust)
        self._mandates = mandates
        self._sessions = sessions
        self._replays = replays
        self._revocations = revocations
        self._passports = passports
        self._certificates = certificates

    def identify(
        self,
        request: Request,
        certificate: bytes | None,
        *,
        now: Instant,
        parts: frozenset[Part] = WHOLE,
    ) -> Caller | None:
        """The caller; None where the request shows nothing but, at most, an API key. A
        ``TokenError`` says why a caller is not believed."""
        headers = request.headers
        if not _shows_anything(headers, certificate):
            return None
        named = self._name(headers, certificate, now)
        proof = self._prove(named, request, certificate, now, parts)
        mandate = self._mandate(named, headers, now)
        return self._caller(named, proof, mandate, now)

    # -- who ----------------------------------------------------------------------------------

    def _name(
        self, headers: Mapping[bytes, bytes], certificate: bytes | None, now: Instant
    ) -> _Named:
        token, wit = sent_token(headers), headers.get(WIT_FIELD)
        if token is not None and token.startswith(_KEY):
            raise CredentialsAmbiguousError(
                "a request carries an API key beside another identity",
                fix="send the key, or the identity and its proof, not both",
            )
        if wit is not None:
            return self._of_wit(wit, token, now)
        if token is not None:
            return self._of_token(token, headers, now)
        if certificate is not None:
            shown = self._certificates(certificate, now=now)
            return _Named(
                subject=shown.subject,
                thumbprint=shown.thumbprint,
                credential=shown.serial,
                expires=shown.expires,
            )
        raise ProofMissingError(
            "a request carries a proof or a mandate and no identity to which it belongs",
            fix="send the Workload-Identity-Token too",
        )

    def _of_wit(self, token: bytes, access: bytes | None, now: Instant) -> _Named:
        wit = self._wits.read(token, now=now)
        flat = None
        if access is not None:
            flat = self._mandates.verify_flat(access, now=now, revoked=self._revocations.current)
        return _Named(
            subject=wit.subject,
            thumbprint=wit.key.thumbprint,
            credential=wit.jti or wit.wth[:16],
            expires=wit.expires,
            wit=wit,
            flat=flat,
        )

    def _of_token(self, token: bytes, headers: Mapping[bytes, bytes], now: Instant) -> _Named:
        """A flat token names its holder and its key by itself."""
        if DPOP_FIELD not in headers:
            raise BearerTokenError(
                "an access token came without the proof of its key",
                fix="send it as 'Authorization: DPoP ...' with a DPoP proof (RFC 9449)",
            )
        flat = self._mandates.verify_flat(token, now=now, revoked=self._revocations.current)
        return _Named(
            subject=flat.holder,
            thumbprint=flat.thumbprint,
            credential=flat.flats[-1] if flat.flats else flat.txn,
            expires=flat.expires,
            flat=flat,
        )

    # -- proven how ---------------------------------------------------------------------------

    def _prove(
        self,
        named: _Named,
        request: Request,
        certificate: bytes | None,
        now: Instant,
        parts: frozenset[Part],
    ) -> Proof:
        headers = request.headers
        sent = [field for field in _PROOFS if field in headers]
        if len(sent) > 1:
            raise CredentialsAmbiguousError(
                "a request carries two proofs", fix="send one: a WPT, a DPoP or a signature"
            )
        if not sent:
            return self._by_connection(named, certificate, now)
        if sent[0] == DPOP_FIELD:
            return verify_dpop(
                headers[DPOP_FIELD],
                request,
                thumbprint=named.thumbprint,
                token=sent_token(headers),
                replays=self._replays,
                now=now,
                parts=parts,
            )
        if sent[0] == SIGNATURE_FIELD and headers[SIGNATURE_FIELD].startswith(_SESSION):
            return self._by_session(named, request, now)
        if named.wit is None:
            raise ProofMissingError(
                "a proof of a WIT's key came without the WIT",
                fix="send the Workload-Identity-Token too",
            )
        if sent[0] == WPT_FIELD:
            return verify_wpt(
                headers[WPT_FIELD],
                named.wit,
                request,
                replays=self._replays,
                now=now,
                parts=parts,
            )
        found = verify_request(request, named.wit, replays=self._replays, now=now)
        return found.must_cover(parts)

    def _by_session(self, named: _Named, request: Request, now: Instant) -> Proof:
        mandate = request.headers.get(MANDATE_FIELD) or sent_token(request.headers) or b""
        bound = Bound(
            principal=named.subject, thumbprint=named.thumbprint, mandate=digest_of(mandate)
        )
        return self._sessions.verify(request, bound, replays=self._replays, now=now)

    def _by_connection(self, named: _Named, certificate: bytes | None, now: Instant) -> Proof:
        """The connection itself is the proof: TLS made the peer sign with its key."""
        if certificate is None:
            raise ProofMissingError(
                "a request carries no proof that its sender holds the key it names",
                fix="send a Workload-Proof-Token, a DPoP proof or a session's signature",
            )
        shown = self._certificates(certificate, now=now)
        if shown.thumbprint != named.thumbprint or shown.subject != named.subject:
            raise ProofMissingError(
                "the certificate of the connection is another caller's than the request names",
                fix="show the certificate of the key that the identity names, or send a proof",
            )
        return Proof(kind="mtls", thumbprint=shown.thumbprint, covers=WHOLE)

    # -- with which authority -----------------------------------------------------------------

    def _mandate(
        self, named: _Named, headers: Mapping[bytes, bytes], now: Instant
    ) -> Mandate | None:
        sent = headers.get(MANDATE_FIELD)
        if sent is None and named.flat is None:
            return None
        if sent is not None and named.flat is not None:
            raise CredentialsAmbiguousError(
                "a request carries two mandates", fix="send the chain or the flat token"
            )
        if self._revocations.freshness(now) == "dead":
            raise RevocationsUnknownError(
                "what is revoked is not known here any more, so no mandate is believed",
                fix="see why the gateway's keeper is silent; try again shortly",
            )
        mandate = named.flat
        if sent is not None:
            mandate = self._mandates.verify(sent, now=now, revoked=self._revocations.current)
        assert mandate is not None
        if mandate.holder != named.subject or mandate.thumbprint != named.thumbprint:
            raise MandateHolderError(
                "a mandate was given to another workload or to another key of it",
                fix="send the mandate with the identity that it confirms",
            )
        build = named.wit.build if named.wit is not None else None
        if mandate.build is not None and named.flat is None and build != mandate.build:
            raise MandateBuildError(
                "a mandate was given to another build of this workload",
                fix="get a new mandate for what runs now, and show it with a WIT",
            )
        return mandate

    def _caller(self, named: _Named, proof: Proof, mandate: Mandate | None, now: Instant) -> Caller:
        wit = named.wit
        passport, ancestors = self._passports_of(named.subject, mandate)
        build = wit.build if wit is not None else mandate.build if mandate is not None else None
        subjects = subjects_of_caller(
            named.subject,
            tenant=read_spiffe_id(named.subject).tenant or "",
            build=build,
            controller=passport.controller.name if passport is not None else None,
            key=named.thumbprint,
        )
        # What a mandate says of its ancestors was asked while it was verified; who controls them,
        # only their passports say.
        controllers = [subject("controller", each.controller.name) for each in ancestors]
        subjects = (*subjects, *controllers)
        tier = wit.tier if wit is not None else None
        caller = Caller(
            principal=named.subject,
            proof=_KINDS[proof.kind],
            credential=named.credential,
            subjects=subjects if mandate is None else (*subjects, *mandate.subjects),
            expires=named.expires if mandate is None else min(named.expires, mandate.expires),
            thumbprint=named.thumbprint,
            build=build,
            tier=tier if tier is not None or passport is None else passport.risk_tier,
            attested=_attested(wit, now),
            mandate=mandate,
            wit=wit,
            ceilings=tuple(
                [each.max_mandate for each in (passport, *ancestors) if each is not None]
            ),
        )
        self._check_in_force(caller)
        return caller

    def _passports_of(
        self, holder: str, mandate: Mandate | None
    ) -> tuple[Passport | None, list[Passport]]:
        """The caller's own, and those of all it holds its authority from."""
        roll = self._passports.current
        chain = dict.fromkeys(mandate.chain if mandate is not None else ())
        found = [roll.find(each) for each in chain if each != holder]
        return roll.find(holder), [each for each in found if each is not None]

    def _check_in_force(self, caller: Caller) -> None:
        hit = self._revocations.current.find(caller.subjects)
        if hit is not None:
            raise CallerRevokedError(
                f"the {hit.kind} {hit.name} is revoked", fix="ask whoever revoked it", caller=caller
            )


def digest_of(mandate: bytes) -> bytes:
    """What a session is bound to: SHA-256 of a mandate's bytes, empty for none."""
    return sha256(mandate).digest() if mandate else b""


def _shows_anything(headers: Mapping[bytes, bytes], certificate: bytes | None) -> bool:
    if WIT_FIELD in headers or MANDATE_FIELD in headers:
        return True
    if any(field in headers for field in _PROOFS):
        return True
    token = sent_token(headers)
    # A certificate beside a key is the connection's; the key is whom the request names.
    return certificate is not None if token is None else token.count(b".") == _DOTS_OF_A_JWT


def _attested(wit: Wit | None, now: Instant) -> Attested:
    ear = wit.ear if wit is not None else None
    if ear is None or now >= ear.exp * 1_000_000:
        return "none"
    return _ATTESTED.get(ear.status, "none")
