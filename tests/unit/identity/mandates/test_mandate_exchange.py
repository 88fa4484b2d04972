"""Exchange: a chain becomes one token for one audience; and whose a mandate is."""

import mandate_cast as cast
import pytest
from mandate_cast import AUDIENCE, DOCS, FREE, ISS, ISSUER, KEYS, MAIL, NOW, SECOND, wit

from holdfast.core import Instant
from holdfast.identity import TokenError, read_compact
from holdfast.identity.authority import are_within
from holdfast.identity.mandates import (
    Holder,
    MandateVerifier,
    Sender,
    Terms,
    Wanted,
    check_holder,
    exchange,
    grant_by_consent,
    grant_to_service,
)
from holdfast.identity.wimse import Ear

CHAIN = cast.chain(3)
GATEWAY = Sender(agent=cast.agent("gateway"), thumbprint=KEYS["stranger"].public.thumbprint)


def mandate(chain=CHAIN):
    return cast.verifier().verify(chain, now=NOW, revoked=FREE)


def swap(held=None, actor=None, *, now=NOW, passed_by=None, **wanted):
    return exchange(
        held or mandate(),
        actor or wit("leaf"),
        wanted=Wanted(**{"audience": DOCS, **wanted}),
        issuer=ISSUER,
        now=now,
        entropy=cast.entropy,
        passed_by=passed_by,
    )


def upstream(audience=DOCS):
    key = KEYS["issuer"].public
    return MandateVerifier(audience, {ISS: {key.kid: key}})


def test_a_flat_token_is_for_one_audience_and_says_who_acted():
    done = swap(passed_by=GATEWAY)
    told = read_compact(done.token).payload
    assert told["aud"] == DOCS
    assert told["sub"] == cast.PERSON
    assert told["client_id"] == GATEWAY.agent
    assert told["cnf"] == {"jkt": GATEWAY.thumbprint}
    assert told["anc"] == [hop.jti for hop in mandate().hops]
    assert told["txn"] == mandate().txn
    named, act = [], told["act"]
    while act is not None:
        named.append(act["sub"])
        act = act.get("act")
    assert named == [cast.agent(name) for name in ("gateway", "leaf", "mid", "root")]
    assert (done.expires_s, done.token_type) == (300, "DPoP")


def test_an_upstream_verifies_a_flat_token_and_learns_the_chain():
    flat = upstream().verify_flat(swap(passed_by=GATEWAY).token, now=NOW, revoked=FREE)
    before = mandate()
    assert flat.chain == before.chain
    assert flat.holder == GATEWAY.agent
    assert flat.principal == before.principal
    assert [hop.purse for hop in flat.hops] == [hop.purse for hop in before.hops]
    assert set(before.subjects) <= set(flat.subjects)
    assert are_within(flat.authorities, before.authorities)
    assert flat.authorities[0].locations == {DOCS}


def test_our_own_token_is_refused_upstream_and_the_upstreams_by_us_and_by_others():
    flat = swap().token
    for refused in (
        lambda: upstream().verify(CHAIN, now=NOW, revoked=FREE),
        lambda: cast.verifier().verify_flat(flat, now=NOW, revoked=FREE),
        lambda: upstream(MAIL).verify_flat(flat, now=NOW, revoked=FREE),
    ):
        with pytest.raises(TokenError) as error:
            refused()
        assert error.value.code == "identity.token-audience"


def test_a_flat_token_is_no_chain_and_a_root_no_flat_token():
    flat = swap(audience=AUDIENCE).token
    for check, token in (("verify", flat), ("verify_flat", cast.root())):
        with pytest.raises(TokenError) as error:
            getattr(cast.verifier(), check)(token, now=NOW, revoked=FREE)
        assert error.value.code == "identity.token-claims"


def test_a_kept_flat_token_does_not_pass_as_a_chain():
    verifier, flat = cast.verifier(), swap(audience=AUDIENCE).token
    verifier.verify_flat(flat, now=NOW, revoked=FREE)
    with pytest.raises(TokenError):
        verifier.verify(flat, now=NOW, revoked=FREE)
    with pytest.raises(TokenError):
        verifier.verify(flat + b"~" + CHAIN.split(b"~")[1], now=NOW, revoked=FREE)


def test_every_ancestor_revokes_a_flat_token_too_also_when_it_was_exchanged_twice():
    verifier = cast.verifier()
    once = verifier.verify_flat(swap(audience=AUDIENCE).token, now=NOW, revoked=FREE)
    twice = swap(once, audience=AUDIENCE).token
    again = verifier.verify_flat(twice, now=NOW, revoked=FREE)
    assert again.flats[0] == once.flats[0]
    named = [("mandate", hop.jti) for hop in mandate().hops]
    named += [("key", hop.thumbprint) for hop in mandate().hops]
    named += [("mandate", jti) for jti in again.flats] + [("principal", cast.PERSON)]
    for kind, name in named:
        with pytest.raises(TokenError) as error:
            verifier.verify_flat(twice, now=NOW, revoked=cast.revoking(kind, name))
        assert error.value.code == "identity.mandate-revoked"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"audience": MAIL}, "identity.exchange-target"),
        ({"audience": "https://evil.example"}, "identity.exchange-target"),
        ({"audience": DOCS + "/"}, "identity.exchange-target"),
        ({"audience": "not a uri"}, "identity.exchange-target"),
        ({"scope": "read"}, "identity.mandate-empty"),
        ({"scope": ""}, "identity.mandate-empty"),
        ({"authority": ()}, "identity.mandate-empty"),
        ({"ttl_s": 0}, "identity.mandate-outlives"),
        ({"ttl_s": 601}, "identity.mandate-outlives"),
        ({"actor": wit("mid")}, "identity.mandate-holder"),
        ({"actor": wit("leaf", key="stranger")}, "identity.mandate-holder"),
        ({"now": Instant(NOW + 300 * SECOND)}, "identity.mandate-outlives"),
    ],
    ids=str,
)
def test_an_exchange_never_reaches_further_than_the_mandate(change, code):
    with pytest.raises(TokenError) as error:
        swap(**change)
    assert error.value.code == code


def test_an_exchange_gives_the_part_that_is_asked_for():
    wide = mandate(cast.root())
    done = swap(wide, wit("root", build=cast.BUILD), scope="read delete", authority=(cast.WIDE,))
    (given,) = done.authorities
    assert (given.locations, given.actions) == ({DOCS}, {"read"})


FORGED = {
    "other client": {"client_id": cast.agent("mid")},
    "other key": {"cnf": {"jkt": "A" * 43}},
    "ancestors dropped": {"anc": []},
    "no actor": {"act": None},
    "actor without key": {"act": {"sub": cast.agent("leaf")}, "anc": []},
    "unknown claim": {"scope": "admin"},
    "key instead of thumbprint": {"cnf": {"jwk": KEYS["leaf"].public.jwk()}},
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_flat_token_that_contradicts_itself_is_refused(change):
    told = {**read_compact(swap(audience=AUDIENCE).token).payload, **change}
    token = ISSUER.key.sign({"typ": "at+jwt", "kid": ISSUER.key.public.kid}, told).encode()
    with pytest.raises(TokenError) as error:
        cast.verifier().verify_flat(token, now=NOW, revoked=FREE)
    assert error.value.code == "identity.token-claims"


def test_actors_without_end_are_refused():
    told = read_compact(swap(audience=AUDIENCE).token).payload
    for _ in range(20):
        told["act"] = {"sub": cast.agent("x"), "act": told["act"]}
    token = ISSUER.key.sign({"typ": "at+jwt", "kid": ISSUER.key.public.kid}, told).encode()
    with pytest.raises(TokenError, match="more than 16 actors"):
        cast.verifier().verify_flat(token, now=NOW, revoked=FREE)


def test_a_mandate_is_its_holders_alone():
    check_holder(mandate(), wit("leaf"), now=NOW)
    for other in (wit("mid"), wit("leaf", key="mid"), wit("stranger", key="leaf")):
        with pytest.raises(TokenError) as error:
            check_holder(mandate(), other, now=NOW)
        assert error.value.code == "identity.mandate-holder"


def test_a_mandate_for_a_build_is_not_for_another():
    held = mandate(cast.root())
    check_holder(held, wit("root", build=cast.BUILD), now=NOW)
    for build in (None, "sha256:" + "c" * 64):
        with pytest.raises(TokenError) as error:
            check_holder(held, wit("root", build=build), now=NOW)
        assert error.value.code == "identity.mandate-build"


def test_from_a_tier_on_an_attestation_in_force_is_needed():
    good = Ear(status="affirming", profile="p", ear_sha256="0" * 64, exp=NOW // SECOND + 1)
    bad = Ear(status="warning", profile="p", ear_sha256="0" * 64, exp=NOW // SECOND + 1)
    old = Ear(status="affirming", profile="p", ear_sha256="0" * 64, exp=NOW // SECOND)
    check_holder(mandate(), wit("leaf", tier=3, ear=good), now=NOW, attested_from_tier=3)
    check_holder(mandate(), wit("leaf", tier=2), now=NOW, attested_from_tier=3)
    for tier, ear in ((3, None), (4, bad), (3, old), (None, None)):
        with pytest.raises(TokenError) as error:
            check_holder(mandate(), wit("leaf", tier=tier, ear=ear), now=NOW, attested_from_tier=3)
        assert error.value.code == "identity.mandate-attestation"


def test_a_root_is_the_meet_of_what_is_asked_consented_and_widest():
    holder = Holder(agent=cast.agent("root"), key=KEYS["root"].public)
    terms = Terms(audience=AUDIENCE, status=(7, "https://gateway.example/statuses/1"))
    shared = {"terms": terms, "now": NOW, "entropy": cast.entropy}
    for root, principal in (
        (
            grant_by_consent(
                ISSUER,
                holder,
                principal=cast.PERSON,
                asked=[cast.WIDE],
                consented=[cast.NARROW],
                widest=[cast.WIDE],
                **shared,
            ),
            cast.PERSON,
        ),
        (
            grant_to_service(ISSUER, holder, asked=[cast.WIDE], widest=[cast.NARROW], **shared),
            cast.agent("root"),
        ),
    ):
        held = mandate(root)
        assert held.authorities == (cast.NARROW,)
        assert held.principal == principal
        assert read_compact(root).payload["status"] == {
            "status_list": {"idx": 7, "uri": "https://gateway.example/statuses/1"}
        }
