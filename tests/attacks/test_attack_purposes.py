"""Number 6: what is made for one purpose is worth nothing for another, even under one key."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
from live import Home

from holdfast.core import HoldfastError, Instant, Salt
from holdfast.gateway.mcp.sealing import Seal
from holdfast.identity import SigningKey, TokenError, read_compact, verify_compact
from holdfast.identity.mandates.tokens import LINK_TYP, ROOT_TYP
from holdfast.identity.passports import (
    PASSPORT_TYPE,
    Build,
    Controller,
    Passport,
    open_passport,
    sign_passport,
)
from holdfast.identity.people.sessions import SESSION_TYP
from holdfast.identity.proofs import DPOP_TYP
from holdfast.identity.revocation.feed import FEED_TYPE, FeedState, read_update, sign_delta
from holdfast.identity.revocation.status_list import (
    STATUS_TYPE,
    StatusList,
    read_status_list,
    sign_status_list,
)
from holdfast.identity.wimse import WIT_TYP, WPT_TYP, issue_wit, verify_general_wit
from holdfast.world.sim import SimEntropy

KEY = SigningKey.from_seed(b"k" * 32, kid="k")
NOW = Instant(1_780_000_000_000_000)
URI = "https://holdfast.example/status"
AGENT = "spiffe://example.org/t/acme/agent/desk"
TYPES = [
    WIT_TYP, WPT_TYP, DPOP_TYP, ROOT_TYP, LINK_TYP, PASSPORT_TYPE, FEED_TYPE, STATUS_TYPE,
    SESSION_TYP,
]  # fmt: skip


@pytest.mark.parametrize(("made", "asked"), list(permutations(TYPES, 2)))
def test_6_a_token_of_one_type_is_none_of_another_though_its_signature_holds(
    made: str, asked: str
) -> None:
    token = read_compact(KEY.sign({"typ": made, "kid": "k"}, {"sub": AGENT}).encode())
    verify_compact(token, KEY.public, typ=made)
    with pytest.raises(TokenError):
        verify_compact(token, KEY.public, typ=asked)


def passport() -> str:
    build = Build(system_prompt="sha256:" + "ab" * 32)
    return sign_passport(
        Passport(
            at=NOW, build=build.digest, by="a", controller=Controller(org="O", contact="c"),
            made_of=build, max_mandate=(), owner="o", place=0, risk_tier=1, seq=1,
            status="active", sub=AGENT,
        ),
        KEY,
    )  # fmt: skip


def feed() -> str:
    return msgspec.msgpack.decode(sign_delta(FeedState(), (), key=KEY, now=NOW))["token"]


def status() -> str:
    found = StatusList.of({}, size=8)
    return sign_status_list(found, uri=URI, key=KEY, now=NOW, ttl_s=60, lives_s=600)


def wit() -> str:
    return issue_wit(KEY, subject=AGENT, key=KEY.public, now=NOW, lifetime_s=600, jti="one")


MAKERS: dict[str, Callable[[], str]] = {
    "passport": passport, "feed": feed, "status": status, "wit": wit,
}  # fmt: skip
READERS: dict[str, Callable[[str], object]] = {
    "passport": lambda token: open_passport(token, KEY.public),
    "feed": lambda token: read_update(msgspec.msgpack.encode({"token": token}), KEY.public),
    "status": lambda token: read_status_list(token, KEY.public, uri=URI, now=NOW),
    "wit": lambda token: verify_general_wit(token.encode(), KEY.public, now=NOW),
}


@pytest.mark.parametrize("made", MAKERS)
@pytest.mark.parametrize("read", READERS)
def test_6_whoever_reads_one_document_refuses_every_other_of_the_same_key(
    made: str, read: str
) -> None:
    token = MAKERS[made]()
    if made == read:
        READERS[read](token)
        return
    with pytest.raises(HoldfastError):
        READERS[read](token)


class FixedClock:
    def now(self) -> Instant:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def test_6_macs_of_one_secret_serve_one_purpose_each() -> None:
    secret = b"s" * 32
    seal = Seal(secret, clock=FixedClock(), entropy=SimEntropy(1))  # type: ignore[arg-type]
    salt = Salt(secret)
    session = seal.session(AGENT)
    state = seal.close("state", principal=AGENT, about="call")
    digest = salt.digest(b"prompt").partition(":")[2]
    assert seal.is_session(session, AGENT)
    assert seal.open(state, principal=AGENT, about="call") == "state"
    for other in (state, digest):
        assert not seal.is_session(other, AGENT)
    for other in (session, digest):
        assert seal.open(other, principal=AGENT, about="call") is None
    assert not seal.is_session(session, AGENT + "2")
    assert seal.open(state, principal=AGENT + "2", about="call") is None
    assert seal.open(state, principal=AGENT, about="another call") is None


def secrets_in(folder: Path) -> dict[str, bytes]:
    """By name; empty files are locks."""
    return {
        path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.stat().st_size
    }


@pytest.mark.slow
def test_6_an_instance_has_a_secret_of_its_own_for_each_purpose_and_none_is_shared(
    home: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home.up()
    home.make_keys("desk")
    found = secrets_in(home.data / "keys")
    assert {"log-signing", "mcp-seal", "session-root"} <= set(found)
    assert len(set(found.values())) == len(found)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (home.data / "keys").iterdir())
    # No default secret: another instance has none of these.
    with Home(tmp_path_factory.mktemp("second"), home.upstream_port) as second:
        second.up()
        assert set(secrets_in(second.data / "keys").values()).isdisjoint(found.values())
