"""Proofs are for one request, once, within a minute; sessions are of one binding."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import Instant
from holdfast.identity import (
    ProofMismatchError,
    ProofMissingError,
    ProofOverloadError,
    ProofReplayedError,
    ProofStaleError,
    SessionUnknownError,
    SigningKey,
    TokenError,
    TokenExpiredError,
    TokenSignatureError,
)
from holdfast.identity.proofs import (
    Bound,
    ReplayCache,
    Request,
    Sessions,
    make_dpop,
    open_grant,
    sign_by_session,
    verify_dpop,
)
from holdfast.identity.proofs.replay import LocalMarks
from holdfast.world.ports import WorldError
from holdfast.world.sim import SimEntropy

NOW = Instant(1_790_000_000_000_000)
SECOND = 1_000_000
AGENT = SigningKey.from_seed(b"a" * 32)
EPHEMERAL = SigningKey.from_seed(b"e" * 32)
REQUEST = Request(
    method="POST",
    target="/v1/chat/completions",
    origins=("https://gate.example.org", "http://127.0.0.1:8080"),
    headers={b"content-type": b"application/json"},
    body=b'{"model":"m"}',
)
BOUND = Bound(
    principal="spiffe://example.org/t/main/agent/review",
    thumbprint=AGENT.public.thumbprint,
    mandate=b"m" * 32,
)
SESSIONS = Sessions(b"r" * 32)
GRANT = SESSIONS.open(
    BOUND, EPHEMERAL.public, now=NOW, until=Instant(NOW + 900 * SECOND), entropy=SimEntropy(9)
)
SECRET = open_grant(GRANT, EPHEMERAL)


def signed(request: Request = REQUEST, *, at: int = NOW, seed: int = 1) -> Request:
    fields = sign_by_session(
        SECRET, GRANT.session, request, now=Instant(at), entropy=SimEntropy(seed)
    )
    return msgspec.structs.replace(request, headers={**request.headers, **fields})


def verify(request: Request, *, at: int = NOW, bound: Bound = BOUND) -> None:
    proof = SESSIONS.verify(request, bound, replays=ReplayCache(), now=Instant(at))
    assert proof.kind == "session"
    assert proof.thumbprint == bound.thumbprint


def dpop(**changes: object) -> bytes:
    return make_dpop(
        AGENT, REQUEST, **{"token": b"t.o.k", "now": NOW, "entropy": SimEntropy(4), **changes}
    ).encode()


def check_dpop(proof: bytes, request: Request = REQUEST, **changes: object) -> None:
    arguments = {
        "thumbprint": AGENT.public.thumbprint,
        "token": b"t.o.k",
        "replays": ReplayCache(),
        "now": NOW,
        **changes,
    }
    verify_dpop(proof, request, **arguments)


def test_a_dpop_proof_of_ours_is_accepted_at_each_of_our_addresses() -> None:
    check_dpop(dpop())
    local = msgspec.structs.replace(REQUEST, origins=("http://127.0.0.1:8080",))
    check_dpop(make_dpop(AGENT, local, token=b"t.o.k", now=NOW, entropy=SimEntropy(1)).encode())


@pytest.mark.parametrize(("late_s", "is_good"), [(60, True), (61, False), (-5, True), (-6, False)])
def test_a_proof_is_good_for_a_minute_and_a_little_skew(late_s: int, is_good: bool) -> None:
    now = Instant(NOW + late_s * SECOND)
    if is_good:
        check_dpop(dpop(), now=now)
        verify(signed(), at=now)
    else:
        with pytest.raises(ProofStaleError):
            check_dpop(dpop(), now=now)
        with pytest.raises(ProofStaleError):
            verify(signed(), at=now)


def test_a_dpop_proof_with_its_private_key_or_for_no_token_is_refused() -> None:
    claims = {"jti": "x", "htm": "POST", "htu": "https://gate.example.org/", "iat": NOW // SECOND}
    jwk = {**AGENT.public.jwk(), "d": AGENT.public.jwk()["x"]}
    for header in ({"typ": "dpop+jwt", "jwk": jwk}, {"typ": "dpop+jwt"}, {"typ": "JWT"}):
        with pytest.raises(TokenError):
            check_dpop(AGENT.sign(header, claims).encode())
    with pytest.raises(ProofMismatchError):
        check_dpop(dpop(token=None))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=60))
def test_within_its_window_no_proof_passes_twice(uses: list[tuple[int, int]]) -> None:
    marks = LocalMarks()  # two workers share them
    workers, now, last = [ReplayCache(marks), ReplayCache(marks)], int(NOW), {}
    for name, wait_s in uses:
        now += wait_s * SECOND
        try:
            workers[wait_s % 2].use("key", str(name), now=Instant(now))
            assert now - last.get(name, -(10**18)) > 65 * SECOND
            last[name] = now
        except ProofReplayedError:
            assert name in last


def test_what_cannot_be_remembered_is_refused_and_one_key_cannot_shut_out_another() -> None:
    replays = ReplayCache(entries_max=16)
    for number in range(2):
        replays.use("greedy", str(number), now=NOW)
    with pytest.raises(ProofOverloadError):
        replays.use("greedy", "more", now=NOW)
    for number in range(14):
        replays.use(f"key{number}", "one", now=NOW)
    with pytest.raises(ProofOverloadError):
        replays.use("late", "one", now=NOW)
    replays.use("late", "one", now=Instant(NOW + 71 * SECOND))


def test_what_cannot_be_marked_is_refused() -> None:
    class Full:
        def mark(self, digest: bytes, generation: int) -> bool:
            raise WorldError("there is no room")

    with pytest.raises(ProofOverloadError):
        ReplayCache(Full()).use("key", "one", now=NOW)


def test_a_session_proves_many_requests_each_of_them_once() -> None:
    replays = ReplayCache()
    for seed in range(5):
        SESSIONS.verify(signed(seed=seed), BOUND, replays=replays, now=NOW)
    with pytest.raises(ProofReplayedError):
        SESSIONS.verify(signed(seed=3), BOUND, replays=replays, now=NOW)


def test_a_session_lives_on_every_worker_that_has_the_root_and_on_no_other() -> None:
    Sessions(b"r" * 32).verify(signed(), BOUND, replays=ReplayCache(), now=NOW)
    with pytest.raises(TokenSignatureError):
        Sessions(b"q" * 32).verify(signed(), BOUND, replays=ReplayCache(), now=NOW)


@pytest.mark.parametrize(
    "change",
    [{"principal": "spiffe://example.org/x"}, {"thumbprint": "x"}, {"mandate": b"n" * 32}],
)
def test_a_session_is_of_one_principal_key_and_mandate(change: dict) -> None:
    verify(signed())
    with pytest.raises(TokenSignatureError):
        verify(signed(), bound=msgspec.structs.replace(BOUND, **change))
    verify(signed())


def test_bindings_that_run_together_are_different_bindings() -> None:
    one = Bound(principal="ab", thumbprint="c")
    two = Bound(principal="a", thumbprint="bc")
    name = b"A" * 22 + b".1"
    assert SESSIONS._secret(name, one) != SESSIONS._secret(name, two)


def test_a_session_ends_with_its_mandate_or_after_ten_minutes() -> None:
    assert GRANT.expires == NOW // SECOND + 600
    now = NOW + 600 * SECOND
    with pytest.raises(SessionUnknownError):
        verify(signed(at=now), at=now)
    short = SESSIONS.open(
        BOUND, EPHEMERAL.public, now=NOW, until=Instant(NOW + SECOND), entropy=SimEntropy(1)
    )
    assert short.expires == NOW // SECOND + 1
    with pytest.raises(TokenExpiredError):
        SESSIONS.open(BOUND, EPHEMERAL.public, now=NOW, until=NOW, entropy=SimEntropy(1))


def test_a_longer_end_written_into_a_session_is_another_secret() -> None:
    later = f"{GRANT.session.partition('.')[0]}.{GRANT.expires + 600}"
    fields = sign_by_session(SECRET, later, REQUEST, now=NOW, entropy=SimEntropy(1))
    with pytest.raises(TokenSignatureError):
        verify(msgspec.structs.replace(REQUEST, headers={**REQUEST.headers, **fields}))


def test_the_secret_of_a_session_opens_for_the_key_it_was_sealed_to_only() -> None:
    assert SESSIONS._secret(GRANT.session.encode(), BOUND) == SECRET
    assert open_grant(GRANT, AGENT) != SECRET


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"method": "PUT"}, TokenSignatureError),
        ({"target": "/v1/models"}, TokenSignatureError),
        ({"target": "/v1/chat/completions?a"}, TokenSignatureError),
        ({"body": b"other"}, ProofMismatchError),
        ({"body": b""}, ProofMismatchError),
    ],
)
def test_a_session_signs_method_path_query_and_body(change: dict, error: type) -> None:
    with pytest.raises(error):
        verify(msgspec.structs.replace(signed(), **change))


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        (b"content-type", b"text/plain", TokenSignatureError),
        (b"content-type", None, ProofMismatchError),
        (b"content-digest", None, ProofMismatchError),
        (b"signature", None, ProofMissingError),
        (b"signature-input", None, ProofMissingError),
        (b"signature", b"hf=:" + b"A" * 43 + b"=:", TokenSignatureError),
        (b"signature", b"hf=:" + b"A" * 43 + b"=:, hf=::", ProofMissingError),
    ],
)
def test_the_fields_of_a_session_must_all_be_there(
    name: bytes, value: bytes | None, error: type
) -> None:
    headers = {k: v for k, v in {**signed().headers, name: value}.items() if v is not None}
    with pytest.raises(error):
        verify(msgspec.structs.replace(signed(), headers=headers))


def test_a_request_without_body_needs_no_digest() -> None:
    bare = Request(method="GET", target="/v1/models", origins=REQUEST.origins, headers={})
    verify(signed(bare))
    with pytest.raises(ProofMismatchError):
        verify(msgspec.structs.replace(signed(bare), body=b"x"))


def test_no_more_sessions_are_remembered_than_allowed_and_none_is_lost_by_it() -> None:
    small, grants = Sessions(b"r" * 32, sessions_max=2), []
    for seed in range(4):
        grant = small.open(
            BOUND,
            EPHEMERAL.public,
            now=NOW,
            until=Instant(NOW + 900 * SECOND),
            entropy=SimEntropy(seed),
        )
        grants.append(grant)
    for grant in grants:
        fields = sign_by_session(
            open_grant(grant, EPHEMERAL), grant.session, REQUEST, now=NOW, entropy=SimEntropy(7)
        )
        sent = msgspec.structs.replace(REQUEST, headers={**REQUEST.headers, **fields})
        small.verify(sent, BOUND, replays=ReplayCache(), now=NOW)
        assert len(small) <= 2
