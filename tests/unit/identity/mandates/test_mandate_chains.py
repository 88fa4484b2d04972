"""Chains: what a verified one says, that none ever widens, that no byte of one can be changed."""

import authority_strategies as made
import mandate_cast as cast
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mandate_cast import FREE, KEYS, NOW, SECOND

from holdfast.core import Instant
from holdfast.identity import TokenError, TokenMalformedError
from holdfast.identity.authority import AUTHORITIES_MAX, are_within, is_within, meet_all, normal
from holdfast.identity.mandates import MandateEmptyError, MandateError, MandateVerifier
from holdfast.identity.revocation import subject

CHAIN = cast.chain(3)


def test_a_verified_chain_says_who_through_whom_and_what():
    mandate = cast.verifier().verify(CHAIN, now=NOW, revoked=FREE)
    assert mandate.principal == cast.PERSON
    assert mandate.chain == tuple(map(cast.agent, ("root", "mid", "leaf")))
    assert mandate.holder == cast.agent("leaf")
    assert (mandate.depth, mandate.depth_left) == (2, 2)
    assert mandate.authorities == (cast.NARROW,)
    assert mandate.expires == NOW + 300 * SECOND
    assert mandate.thumbprint == KEYS["leaf"].public.thumbprint
    assert mandate.txn == mandate.hops[0].jti
    assert [hop.why for hop in mandate.hops] == [None, "for mid", "for leaf"]
    assert [hop.authorities for hop in mandate.hops] == [
        (cast.WIDE,),
        (cast.NARROW,),
        (cast.NARROW,),
    ]


def test_a_mandate_can_be_revoked_by_everything_in_its_chain():
    mandate = cast.verifier().verify(CHAIN, now=NOW, revoked=FREE)
    wanted = {subject("principal", cast.PERSON), subject("tenant", "acme")}
    wanted |= {subject("build", cast.BUILD)}
    for hop in mandate.hops:
        wanted |= {subject("mandate", hop.jti), subject("agent", hop.subject)}
        wanted |= {subject("principal", hop.subject), subject("key", hop.thumbprint)}
    assert wanted <= set(mandate.subjects)
    assert len(set(mandate.subjects)) == len(mandate.subjects)


def test_purses_are_named_by_the_signer_so_that_nobody_spends_anothers():
    mandate = cast.verifier().verify(CHAIN, now=NOW, revoked=FREE)
    root, mid, leaf = mandate.hops
    assert root.purse == root.jti
    assert mid.purse == f"{root.thumbprint}/{mid.jti}"
    assert leaf.purse == f"{mid.thumbprint}/{leaf.jti}"


def test_a_longer_chain_is_verified_from_what_is_known_of_it():
    verifier = cast.verifier()
    one = verifier.verify(CHAIN.rpartition(b"~")[0], now=NOW, revoked=FREE)
    two = verifier.verify(CHAIN, now=NOW, revoked=FREE)
    assert two.hops[:2] == one.hops  # the very same, not verified again
    assert verifier.verify(CHAIN, now=NOW, revoked=FREE) is two


def test_only_so_many_chains_are_kept_and_the_longest_unused_goes():
    verifier = cast.verifier(kept_max=2)
    first, second, third = (cast.root() for _ in range(3))
    kept = verifier.verify(first, now=NOW, revoked=FREE)
    verifier.verify(second, now=NOW, revoked=FREE)
    assert verifier.verify(first, now=NOW, revoked=FREE) is kept
    verifier.verify(third, now=NOW, revoked=FREE)
    assert len(verifier) == 2
    assert verifier.verify(first, now=NOW, revoked=FREE) is kept


def test_nothing_that_was_refused_is_kept():
    verifier = cast.verifier()
    for _ in range(2):
        with pytest.raises(TokenError):
            verifier.verify(CHAIN[:-1], now=NOW, revoked=FREE)
    assert len(verifier) == 2  # the prefix that is good


def test_a_verifier_of_other_keys_believes_nothing():
    with pytest.raises(TokenError) as error:
        MandateVerifier(cast.AUDIENCE, {}).verify(CHAIN, now=NOW, revoked=FREE)
    assert error.value.code == "identity.token-issuer"


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(CHAIN) - 1), st.integers(1, 255))
def test_no_byte_of_any_token_can_be_changed(place, change):
    mutated = bytearray(CHAIN)
    mutated[place] ^= change
    verifier = cast.verifier()
    verifier.verify(CHAIN, now=NOW, revoked=FREE)
    with pytest.raises(TokenError):
        verifier.verify(bytes(mutated), now=NOW, revoked=FREE)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(CHAIN)), st.integers(0, len(CHAIN)), st.binary(max_size=3))
def test_no_piece_can_be_cut_out_or_put_in(start, end, piece):
    mutated = CHAIN[: min(start, end)] + piece + CHAIN[max(start, end) :]
    prefixes = {CHAIN, CHAIN.rpartition(b"~")[0], CHAIN.partition(b"~")[0]}
    if mutated in prefixes:
        return
    with pytest.raises(TokenError):
        cast.verifier().verify(mutated, now=NOW, revoked=FREE)


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.data())
def test_random_chains_never_widen(data):
    steps = data.draw(st.lists(made.held, min_size=2, max_size=4))
    names = ["root", "mid", "leaf", "mid", "leaf"]
    chain = cast.root(authority=normal(steps[0]))
    verifier, ends = cast.verifier(), []
    for holder, to, asked in zip(names, names[1:], steps[1:], strict=False):
        ttl_s = data.draw(st.integers(1, 900))
        before = verifier.verify(chain, now=NOW, revoked=FREE)
        if not 0 < len(meet_all(before.authorities, asked)) <= AUTHORITIES_MAX:
            with pytest.raises(MandateEmptyError):
                cast.link(chain, holder, to, authority=asked, ttl_s=ttl_s)
            break
        try:
            chain = cast.link(chain, holder, to, authority=asked, ttl_s=ttl_s)
        except TokenMalformedError:  # too long for a header: no chain, so none that widens
            break
        after = verifier.verify(chain, now=NOW, revoked=FREE)
        assert are_within(after.authorities, before.authorities)
        assert are_within(after.authorities, asked)
        assert after.expires <= min(before.expires, NOW + ttl_s * SECOND)
        assert after.depth_left == before.depth_left - 1
        assert set(before.subjects) <= set(after.subjects)
        assert after.principal == before.principal
        ends.append(after.expires)
    assert ends == sorted(ends, reverse=True)


def test_delegating_gives_the_meet_and_never_more():
    chain = cast.link(cast.root(authority=(cast.NARROW,)), "root", "mid", authority=(cast.WIDE,))
    mandate = cast.verifier().verify(chain, now=NOW, revoked=FREE)
    assert mandate.authorities == (cast.NARROW,)
    assert is_within(mandate.authorities[0], cast.WIDE)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: cast.link(CHAIN, "mid", "leaf"), "identity.mandate-holder"),
        (lambda: cast.link(cast.root(depth=0), "root", "mid"), "identity.mandate-depth"),
        (lambda: cast.link(cast.root(), "root", "mid", ttl_s=0), "identity.mandate-outlives"),
        (lambda: cast.link(cast.root(), "root", "mid", authority=()), "identity.mandate-empty"),
        (
            lambda: cast.link(cast.root(), "root", "mid", now=Instant(NOW + 600 * SECOND)),
            "identity.token-expired",
        ),
        (lambda: cast.link(cast.root(), "root", "mid", why="\n"), "identity.token-claims"),
        (lambda: cast.link(b"x", "root", "mid"), "identity.token-malformed"),
        (lambda: cast.root(ttl_s=601), "identity.mandate-outlives"),
        (lambda: cast.root(depth=5), "identity.mandate-depth"),
        (lambda: cast.root(authority=()), "identity.mandate-empty"),
        (lambda: cast.root(build="1"), "identity.token-claims"),
    ],
)
def test_what_would_be_refused_is_not_made(make, code):
    with pytest.raises(TokenError) as error:
        make()
    assert error.value.code == code


def test_the_deepest_chain_verifies_and_goes_no_deeper():
    chain = cast.root()
    for holder, to in (("root", "mid"), ("mid", "leaf"), ("leaf", "mid"), ("mid", "leaf")):
        chain = cast.link(chain, holder, to)
    assert cast.verifier().verify(chain, now=NOW, revoked=FREE).depth == 4
    with pytest.raises(MandateError):
        cast.link(chain, "leaf", "mid")
