"""What others published as right is accepted as it stands, and refused when a part is changed."""

import msgspec
import pytest

from holdfast.core import Instant
from holdfast.identity import (
    ProofMismatchError,
    ProofReplayedError,
    ProofStaleError,
    PublicKey,
    TokenClaimsError,
    TokenError,
    TokenMalformedError,
    TokenSignatureError,
    Trust,
    TrustBundle,
    read_compact,
)
from holdfast.identity.proofs import (
    ReplayCache,
    Request,
    verify_dpop,
)
from holdfast.identity.wimse import (
    Response,
    Wit,
    verify_general_wit,
    verify_request,
    verify_response,
    verify_wit,
    verify_wpt,
)

ISSUER = PublicKey.from_jwk(
    {
        "kty": "EC",
        "kid": "June 5",
        "crv": "P-256",
        "x": "kXqnA2Op7hgd4zRMbw0iFcc_hDxUxhojxOFVGjE2gks",
        "y": "n__VndPMR021-59UAs0b9qDTFT-EZtT6xSNs_xFskLo",
    }
)
WIT = (
    b"eyJhbGciOiJFUzI1NiIsImtpZCI6Ikp1bmUgNSIsInR5cCI6IndpdCtqd3QifQ"
    b".eyJjbmYiOnsiandrIjp7ImFsZyI6IkVkRFNBIiwiY3J2IjoiRWQyNTUxOSIsImt0eSI6Ik9LUCIsIngiOiIxQ1hYdmZsTl9MVlZzSXNZWHNVdkIwM0ptbEdXZUNIcVFWdW91Q0Y5MmJnIn19LCJleHAiOjE3NDU1MTI1MTAsImlhdCI6MTc0NTUwODkxMCwianRpIjoieC1fMUNUTDJjY2EzQ1NFNGN3Yl9sIiwic3ViIjoid2ltc2U6Ly9leGFtcGxlLmNvbS9zcGVjaWZpYy13b3JrbG9hZCJ9"
    b".6KraSQUxWdl9dxFQ3Fj6dPY0Vi88OkwFwZpAIOhLeq6AbXAnLLQgOp8U9UDGcBuYF3KiNv6oKQD1ZWAzrMZOJw"
)
WPT = (
    b"eyJhbGciOiJFZERTQSIsInR5cCI6IndwdCtqd3QifQ"
    b".eyJhdGgiOiJDTDR3amZwUm1OZi1iZFlJYllMblY5ZDVyTUFSR3dLWUUxMHdVd3pDMGpJIiwiYXVkIjoiaHR0cHM6Ly93b3JrbG9hZC5leGFtcGxlLmNvbS9wYXRoIiwiZXhwIjoxNzQ1NTEwMDE2LCJqdGkiOiJfX2J3YzRFU0MzYWNjMkxUQzEtX3giLCJ3dGgiOiJBYVlVZkMzNEQxZGkyRnhRTHBpSUpKN1NnOFZaNm84T0Nkd1NmOUlUb0xnIn0"
    b".PI7d9AcYhLoEgPgbJvcM132lkBKnM1NXU-5hZUzVTIyj2dRJaTLFs6e5NYv5gg6AqcV7NvkYCwfgMgWasWQzCA"
)
NOW = Instant((1_745_510_016 - 30) * 1_000_000)
REQUEST = Request(
    method="POST",
    target="/path",
    origins=("https://workload.example.com",),
    headers={
        b"content-type": b"application/json",
        b"authorization": b"Bearer 16_mAd0GiwaZokU26_0902100",
        b"workload-identity-token": WIT,
        b"workload-proof-token": WPT,
    },
    body=b'{"do stuff":"please"}',
)
ADDRESS = frozenset({"target"})  # the draft's example binds neither method nor body


def wit() -> Wit:
    return verify_general_wit(WIT, ISSUER, now=NOW)


def test_the_wit_of_workload_creds_verifies() -> None:
    found = wit()
    assert found.subject == "wimse://example.com/specific-workload"
    assert found.jti == "x-_1CTL2cca3CSE4cwb_l"
    assert found.wth == "AaYUfC34D1di2FxQLpiIJJ7Sg8VZ6o8OCdwSf9IToLg"
    assert found.key.alg == "Ed25519"


def test_it_is_no_svid_for_its_subject_is_no_spiffe_id() -> None:
    trust = Trust([TrustBundle(trust_domain="example.com", wit_keys={"June 5": ISSUER})])
    with pytest.raises(TokenClaimsError):
        verify_wit(WIT, trust, now=NOW)


def test_the_wpt_of_the_draft_proves_its_request_once() -> None:
    replays = ReplayCache()
    proof = verify_wpt(WPT, wit(), REQUEST, replays=replays, now=NOW, parts=ADDRESS)
    assert proof.covers == {"target", "wit", "token"}
    assert proof.thumbprint == wit().key.thumbprint
    with pytest.raises(ProofReplayedError):
        verify_wpt(WPT, wit(), REQUEST, replays=replays, now=NOW, parts=ADDRESS)


@pytest.mark.parametrize(
    "changes",
    [
        {"target": "/other"},
        {"origins": ("https://other.example.com",)},
        {"origins": ("http://workload.example.com",)},
        {"headers": {**REQUEST.headers, b"authorization": b"Bearer another"}},
        {"headers": {**REQUEST.headers, b"holdfast-mandate": b"a.b.c"}},
        {"headers": {**REQUEST.headers, b"txn-token": b"a.b.c"}},
        {"headers": {k: v for k, v in REQUEST.headers.items() if k != b"authorization"}},
    ],
)
def test_the_wpt_of_the_draft_proves_no_other_request(changes: dict) -> None:
    other = msgspec.structs.replace(REQUEST, **changes)
    with pytest.raises(ProofMismatchError):
        verify_wpt(WPT, wit(), other, replays=ReplayCache(), now=NOW, parts=ADDRESS)


def test_the_wpt_of_the_draft_does_not_cover_what_we_ask_of_our_own() -> None:
    with pytest.raises(ProofMismatchError, match="body, method"):
        verify_wpt(WPT, wit(), REQUEST, replays=ReplayCache(), now=NOW)


@pytest.mark.parametrize("at", [1_745_510_016, 1_745_509_900])
def test_the_wpt_of_the_draft_is_stale_outside_its_minute(at: int) -> None:
    now = Instant(at * 1_000_000)
    with pytest.raises(ProofStaleError):
        verify_wpt(WPT, wit(), REQUEST, replays=ReplayCache(), now=now, parts=ADDRESS)


A_WIT = (
    b"eyJhbGciOiJFZERTQSIsImtpZCI6Imlzc3Vlci1rZXkiLCJ0eXAiOiJ3aXQrand0In0"
    b".eyJjbmYiOnsiandrIjp7ImFsZyI6IkVkRFNBIiwiY3J2IjoiRWQyNTUxOSIsImtpZCI6InN2Yy1hLWtleSIsImt0eSI6Ik9LUCIsIngiOiI1SXNGZE8xdno4b1pXZ3dmQ1RMSzNLNmFXSUhGSXozbDB2WktjQ3NfQzNrIn19LCJleHAiOjE3ODgyOTkyMjQsImlhdCI6MTc4ODI5ODkyNCwiaXNzIjoiaHR0cHM6Ly9leGFtcGxlLmNvbS9pc3N1ZXIiLCJqdGkiOiJ3aXQtMTc4ODI5ODkyNDI4MTA3NzA3OSIsInN1YiI6IndpbXNlOi8vZXhhbXBsZS5jb20vc3ZjQSJ9"
    b".vCWuTey47Aom9frOm1pfcB2TzL1IdwXl5mvs0Plf7S4zcsZjY7qJkiCfAgkrDVXYt1hBhjgvrxsi6E1QoT1nDA"
)
B_WIT = (
    b"eyJhbGciOiJFZERTQSIsImtpZCI6Imlzc3Vlci1rZXkiLCJ0eXAiOiJ3aXQrand0In0"
    b".eyJjbmYiOnsiandrIjp7ImFsZyI6IkVkRFNBIiwiY3J2IjoiRWQyNTUxOSIsImtpZCI6InN2Yy1iLWtleSIsImt0eSI6Ik9LUCIsIngiOiI2cTM0dTRZbjZKVWN5bWg0UXd4enBJUXI5dUVvczE5cE5mSzFTNWRWYjhzIn19LCJleHAiOjE3ODgyOTkyMjYsImlhdCI6MTc4ODI5ODkyNiwiaXNzIjoiaHR0cHM6Ly9leGFtcGxlLmNvbS9pc3N1ZXIiLCJqdGkiOiJ3aXQtMTc4ODI5ODkyNDI4MTIwOTY3OSIsInN1YiI6IndpbXNlOi8vZXhhbXBsZS5jb20vc3ZjQiJ9"
    b".iSl0qBzfv29LfIaYkYoCgRlc2_IQrbj9wLHpOOUdnUzImhLHXjt_zGnXIoQInc9fQKqwdVeNRgmeiR5pPumiBQ"
)
SIGNED_AT = Instant(1_788_298_924 * 1_000_000)
SIGNED = Request(
    method="GET",
    target="/gimme-ice-cream?flavor=vanilla",
    origins=("https://svcb.example.com",),
    headers={
        b"signature": b"sig1=:rMpSBQIFBnFHVlukNhJS2+xEy0aOlB0sPfmgMmZBv+8fDoB8QFoEkgbXhAlIfqhA5Xmttq1rtR+Hg4mpcMpbAQ==:",
        b"signature-input": b'sig1=("@method" "@path" "@query" "workload-identity-token");created=1788298924;expires=1788299224;nonce="abcd1111";tag="wimse-workload-to-workload";wimse-aud="https://svcb.example.com/gimme-ice-cream";wimse-sign-response',
        b"workload-identity-token": A_WIT,
    },
)
ANSWER = Response(
    status=404,
    headers={
        b"content-digest": b"sha-256=:UHKweBl9cpjdVqgTB65El8SexXlJYGG+XIslAYqC1mY=:",
        b"content-type": b"text/plain",
        b"signature": b"sig1=:+yKE34YoWGkdD6iK0VJEhS3ZCQpHGh/pYlDut9+Wf3xOWYvq8tdWnyknaut8dAYJ4GFTzltZkvIcjmEnnj+BAA==:",
        b"signature-input": b'sig1=("@status" "workload-identity-token" "content-type" "content-digest" "@method";req "@path";req "@query";req);created=1788298924;expires=1788299226;nonce="abcd2222";tag="wimse-workload-to-workload";wimse-req-nonce="abcd1111"',
        b"workload-identity-token": B_WIT,
    },
    body=b"No ice cream today.\n\n",
)


def confirmed(token: bytes) -> Wit:
    """The WIT without its issuer's signature, whose key is not published."""
    compact = read_compact(token)
    cnf = msgspec.convert(compact.payload["cnf"], dict[str, dict[str, object]])
    return Wit(
        subject=str(compact.payload["sub"]),
        key=PublicKey.from_jwk(cnf["jwk"]),
        expires=SIGNED_AT,
        issued=None,
        jti=None,
        build=None,
        tier=None,
        ear=None,
        digest=compact.digest(),
    )


def test_the_signed_request_of_the_draft_verifies_once() -> None:
    replays = ReplayCache()
    proof = verify_request(SIGNED, confirmed(A_WIT), replays=replays, now=SIGNED_AT)
    assert proof.covers == {"method", "target", "query", "body", "wit"}
    with pytest.raises(ProofReplayedError):
        verify_request(SIGNED, confirmed(A_WIT), replays=replays, now=SIGNED_AT)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"method": "POST"}, TokenSignatureError),
        ({"target": "/gimme-ice-cream?flavor=lemon"}, TokenSignatureError),
        ({"target": "/gimme?flavor=vanilla"}, ProofMismatchError),
        ({"body": b"more"}, ProofMismatchError),
        ({"headers": {**SIGNED.headers, b"authorization": b"Bearer x"}}, ProofMismatchError),
        ({"headers": {**SIGNED.headers, b"holdfast-mandate": b"x"}}, ProofMismatchError),
        ({"headers": {**SIGNED.headers, b"content-type": b"text/plain"}}, ProofMismatchError),
        ({"headers": {**SIGNED.headers, b"workload-identity-token": B_WIT}}, ProofMismatchError),
    ],
)
def test_the_signed_request_of_the_draft_is_no_other_request(
    changes: dict, error: type[TokenError]
) -> None:
    other = msgspec.structs.replace(SIGNED, **changes)
    with pytest.raises(error):
        verify_request(other, confirmed(A_WIT), replays=ReplayCache(), now=SIGNED_AT)


def test_the_signed_answer_of_the_draft_verifies_for_its_request_only() -> None:
    verify_response(ANSWER, confirmed(B_WIT), request=SIGNED, now=SIGNED_AT)
    for changes in ({"status": 200}, {"body": b"Ice cream today.\n\n"}):
        other = msgspec.structs.replace(ANSWER, **changes)
        with pytest.raises(TokenError):
            verify_response(other, confirmed(B_WIT), request=SIGNED, now=SIGNED_AT)
    asked = SIGNED.headers[b"signature-input"].replace(b"abcd1111", b"abcd9999")
    stranger = msgspec.structs.replace(
        SIGNED, headers={**SIGNED.headers, b"signature-input": asked}
    )
    with pytest.raises(ProofMismatchError):
        verify_response(ANSWER, confirmed(B_WIT), request=stranger, now=SIGNED_AT)


DPOP = (
    b"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
    b".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9"
    b".2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
ACCESS_TOKEN = b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
DPOP_AT = Instant(1_562_262_618 * 1_000_000)
PROTECTED = Request(
    method="GET",
    target="/protectedresource",
    origins=("https://resource.example.org",),
    headers={},
)
DPOP_PRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_the_dpop_proof_of_rfc_9449_section_7_1_verifies_for_its_request_and_token() -> None:
    replays = ReplayCache()
    proof = verify_dpop(
        DPOP, PROTECTED, thumbprint=DPOP_PRINT, token=ACCESS_TOKEN, replays=replays, now=DPOP_AT
    )
    assert proof.thumbprint == DPOP_PRINT
    assert proof.covers == {"method", "target", "body", "token"}


@pytest.mark.parametrize(
    ("request_", "token", "thumbprint"),
    [
        (msgspec.structs.replace(PROTECTED, method="POST"), ACCESS_TOKEN, DPOP_PRINT),
        (msgspec.structs.replace(PROTECTED, target="/other"), ACCESS_TOKEN, DPOP_PRINT),
        (msgspec.structs.replace(PROTECTED, body=b"x"), ACCESS_TOKEN, DPOP_PRINT),
        (PROTECTED, b"another", DPOP_PRINT),
        (PROTECTED, None, DPOP_PRINT),
        (PROTECTED, ACCESS_TOKEN, "another"),
    ],
)
def test_the_dpop_proof_of_rfc_9449_proves_nothing_else(
    request_: Request, token: bytes | None, thumbprint: str
) -> None:
    with pytest.raises(ProofMismatchError):
        verify_dpop(
            DPOP,
            request_,
            thumbprint=thumbprint,
            token=token,
            replays=ReplayCache(),
            now=DPOP_AT,
        )


def test_two_proofs_in_one_field_are_no_proof() -> None:
    with pytest.raises(TokenMalformedError):
        verify_dpop(
            DPOP + b", " + DPOP,
            PROTECTED,
            thumbprint=None,
            token=ACCESS_TOKEN,
            replays=ReplayCache(),
            now=DPOP_AT,
        )
