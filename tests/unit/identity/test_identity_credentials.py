"""Keys: shown once, kept as digests, found quickly, revoked for good."""

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.blueprint import load, starter
from holdfast.core import CredentialId, Instant, NodeId
from holdfast.identity import (
    KEY_LENGTH,
    Credential,
    Credentials,
    CredentialStore,
    IdentityError,
    UnknownCredentialError,
    new_key,
    principal,
    principals,
)
from holdfast.world.sim import SimEntropy, SimStore


class FixedClock:
    def __init__(self, now=1_000_000):
        self.instant = Instant(now)

    def now(self):
        return self.instant

    def monotonic(self):
        return self.instant / 1_000_000


def key(seed, node="desk", now=1_000_000):
    return new_key(SimEntropy(seed), FixedClock(now), NodeId(node))


@pytest.fixture
def credentials():
    store = SimStore()
    yield CredentialStore(store)
    store.close()


@given(st.integers(0, 2**32))
def test_a_key_has_its_published_form_and_only_its_digest_is_kept(seed):
    credential, text = key(seed)
    assert re.fullmatch(r"hf_[0-9a-hjkmnp-tv-z]{10}_[A-Za-z0-9_-]{43}", text)
    assert len(text) == KEY_LENGTH
    assert text[3:13] == credential.id
    assert credential.hash == sha256(text.encode()).digest()
    assert text[14:] not in repr(credential)


@given(st.sets(st.integers(0, 2**32), max_size=5), st.integers(0, 2**32))
def test_exactly_the_keys_in_force_are_found(seeds, other):
    made = {seed: key(seed, f"n{seed}") for seed in seeds}
    found = Credentials(credential for credential, _ in made.values())
    assert all(found.find(text.encode()) == credential for credential, text in made.values())
    assert (found.find(key(other)[1].encode()) is None) == (other not in seeds)


@pytest.mark.parametrize("change", [b"", b"x", b"hf_", bytes(10**6)])
def test_anything_else_finds_nothing(change):
    credential, text = key(1)
    known = Credentials([credential])
    assert known.find(change) is None
    assert known.find(text.encode() + change) is (credential if not change else None)
    assert known.find(text.swapcase().encode()) is None


def test_a_revoked_credential_finds_nothing(credentials):
    credential, text = key(1)
    credentials.add(credential)
    assert credentials.active().find(text.encode()) == credential
    revoked = credentials.revoke(credential.id, at=Instant(7))
    assert revoked.revoked == 7
    assert credentials.active().find(text.encode()) is None
    assert credentials.list() == (revoked,)


def test_revoking_again_keeps_the_first_instant(credentials):
    credential, _ = key(1)
    credentials.add(credential)
    credentials.revoke(credential.id, at=Instant(7))
    assert credentials.revoke(credential.id, at=Instant(9)).revoked == 7


def test_revoking_what_was_never_given_is_a_clear_error(credentials):
    with pytest.raises(UnknownCredentialError) as caught:
        credentials.revoke(CredentialId("nothere"), at=Instant(1))
    assert caught.value.code == "identity.credential-unknown"
    assert "no credential has that id" in caught.value.what
    assert "list the credentials" in caught.value.fix


def test_an_id_is_given_once(credentials):
    credential, _ = key(1)
    credentials.add(credential)
    with pytest.raises(IdentityError, match="its id is taken"):
        credentials.add(credential)
    assert credentials.list() == (credential,)


def test_credentials_are_listed_oldest_first(credentials):
    made = [key(seed, now=100 - seed)[0] for seed in range(5)]
    for credential in made:
        credentials.add(credential)
    assert credentials.list() == tuple(reversed(made))


def test_opening_the_store_twice_keeps_what_is_there():
    store = SimStore()
    credential, _ = key(1)
    CredentialStore(store).add(credential)
    assert CredentialStore(store).list() == (credential,)
    store.close()


@given(st.lists(st.tuples(st.integers(0, 2**32), st.booleans()), max_size=6))
def test_what_the_keeper_sends_is_what_workers_know(drawn):
    made = [
        Credential(
            id=made.id,
            node=made.node,
            hash=made.hash,
            created=made.created,
            revoked=Instant(5) if revoked else None,
        )
        for made, revoked in ((key(seed)[0], revoked) for seed, revoked in drawn)
    ]
    sent = Credentials(made)
    received = Credentials.decode(sent.encode())
    assert len(received) == len(sent)
    assert received.encode() == sent.encode()
    for seed, _ in drawn:
        text = key(seed)[1].encode()
        assert received.find(text) == sent.find(text)


@pytest.mark.parametrize("data", [b"", b"x", b"\x91\x80"])
def test_unreadable_credentials_are_our_error(data):
    with pytest.raises(IdentityError, match="cannot read the credentials"):
        Credentials.decode(data)


def test_a_node_is_named_as_a_spiffe_id():
    blueprint = load(starter(), source="f", read=lambda _: "")
    assert principals(blueprint) == {
        "app": "spiffe://holdfast.local/t/default/service/app",
        "llama": "spiffe://holdfast.local/t/default/model/llama",
    }
    text = starter() + "tenant: legal\ntrust_domain: example.org\n"
    blueprint = load(text, source="f", read=lambda _: "")
    name = principal(blueprint, blueprint.nodes["app"])
    assert name == "spiffe://example.org/t/legal/service/app"
