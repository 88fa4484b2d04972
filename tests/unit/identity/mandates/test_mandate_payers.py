"""Payers: who is charged for a call under a mandate, whichever form the mandate comes in."""

import mandate_cast as cast
from mandate_cast import AUDIENCE, DOCS, FREE, ISSUER, NOW, SECOND, wit
from msgspec.structs import replace

from holdfast.core import Instant
from holdfast.identity import read_compact
from holdfast.identity.authority import Allowance
from holdfast.identity.jose import b64url
from holdfast.identity.mandates import MandateVerifier, Wanted, exchange

FREELY = replace(cast.WIDE, max=Allowance())


def verified(chain):
    return cast.verifier().verify(chain, now=NOW, revoked=FREE)


def flat(mandate, *, audience=AUDIENCE, **wanted):
    done = exchange(
        mandate,
        wit("leaf"),
        wanted=Wanted(audience=audience, **wanted),
        issuer=ISSUER,
        now=NOW,
        entropy=cast.entropy,
    )
    return done.token


def told(mandate):
    return [(each.purse, each.holder, each.authorities, each.expires) for each in mandate.payers]


def test_every_holder_whose_amounts_are_limited_pays_the_root_first():
    mandate = verified(cast.chain(3))
    hops = mandate.hops
    assert [each.purse for each in mandate.payers] == [hop.purse for hop in hops]
    assert [each.holder for each in mandate.payers] == list(mandate.chain)
    assert [each.authorities for each in mandate.payers] == [hop.authorities for hop in hops]
    ends = [NOW + seconds * SECOND for seconds in (600, 300, 300)]
    assert [each.expires for each in mandate.payers] == ends


def test_where_no_amount_is_limited_nobody_pays():
    chain = cast.root(authority=(FREELY,))
    assert verified(chain).payers == ()
    limited = cast.link(chain, "root", "mid")
    assert [each.holder for each in verified(limited).payers] == [cast.agent("mid")]


def test_a_flat_token_for_ourselves_is_paid_for_by_all_it_was_made_from_and_itself():
    mandate = verified(cast.chain(3))
    once = cast.verifier().verify_flat(flat(mandate), now=NOW, revoked=FREE)
    assert told(once)[:3] == told(mandate)
    assert once.payers[3].purse == once.flats[0]
    assert once.payers[3].authorities == once.authorities


def test_a_flat_token_exchanged_again_is_paid_for_by_the_first_too():
    verifier = cast.verifier()
    once = verifier.verify_flat(flat(verified(cast.chain(3))), now=NOW, revoked=FREE)
    twice = verifier.verify_flat(flat(once), now=NOW, revoked=FREE)
    assert told(twice)[:4] == told(once)
    assert [each.purse for each in twice.payers[3:]] == list(twice.flats)


def test_an_upstream_is_not_told_what_else_the_holders_may_do():
    token = flat(verified(cast.chain(3)), audience=DOCS)
    assert "hf_pay" not in read_compact(token).payload
    key = cast.KEYS["issuer"].public
    there = MandateVerifier(DOCS, {cast.ISS: {key.kid: key}})
    mandate = there.verify_flat(token, now=Instant(NOW + SECOND), revoked=FREE)
    assert [each.purse for each in mandate.payers] == list(mandate.flats)


def test_the_same_signature_spelt_otherwise_is_no_second_purse():
    """ES256 signatures have two spellings; what is counted under is what was signed."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    chain = cast.root()
    compact = read_compact(chain)
    r, s = compact.signature[:32], int.from_bytes(compact.signature[32:], "big")
    other = r + (order - s).to_bytes(32, "big")
    twin = chain.rpartition(b".")[0] + b"." + b64url(other).encode()
    assert twin != chain
    assert told(verified(twin)) == told(verified(chain))
