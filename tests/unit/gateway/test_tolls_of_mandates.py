"""What a call costs those who sent it: which accounts, how much, and when none can pay."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import Instant
from holdfast.gateway.mandated import PREFIX, tolls_under
from holdfast.gateway.tolls import Tokens, Tolls
from holdfast.identity.authority import AMOUNT_MAX, Allowance, Ask, Authority
from holdfast.identity.mandates import Hop, Mandate, Payer
from holdfast.resilience import UNLIMITED, Amounts

NOW = Instant(1_790_000_000_000_000)
END = Instant(NOW + 600_000_000)
MODEL = "spiffe://hf.example/t/acme/model/reviewer"
AGENT = "spiffe://hf.example/t/acme/agent/"
TOLLS = Tolls((), ("tenant",), 1_000_000, 2_000_000, is_priced=True)
TOKENS = Tokens(100, 50)


def authority(model="reviewer", **amounts):
    return Authority(
        type="llm",
        locations=frozenset((MODEL,)),
        actions=frozenset(("generate",)),
        models=frozenset((model,)),
        max=Allowance(**amounts),
    )


def payer(name, *authorities, purse=None):
    return Payer(purse=purse or name, holder=AGENT + name, authorities=authorities, expires=END)


def mandate(*payers):
    hop = Hop(jti="r", purse="r", subject=AGENT + "root", thumbprint="t", authorities=())
    return Mandate(
        principal="user:a:b",
        audience="gateway",
        hops=(hop,),
        authorities=(),
        since=NOW,
        expires=END,
        key=None,
        thumbprint="t",
        txn="t",
        depth_left=0,
        subjects=(),
        digest=b"",
        token_digest=b"",
        payers=payers,
    )


def ask(tokens=150):
    return Ask(
        type="llm", location=MODEL, action="generate", now=NOW, model="reviewer", tokens=tokens
    )


def charged(*payers, tolls=TOLLS, tokens=150):
    return tolls_under(mandate(*payers), tolls, ask(tokens), tokens=TOKENS)


def test_every_payer_has_an_account_behind_the_budgets_of_the_blueprint():
    found = charged(
        payer("root", authority(calls=10)), payer("mid", authority(calls=3, tokens=200))
    )
    assert isinstance(found, Tolls)
    assert found.accounts[0] == "tenant"
    assert found.accounts[1:] == tuple(each.account for each in found.allotments)
    assert all(each.startswith(PREFIX) for each in found.accounts[1:])
    assert [each.limits for each in found.allotments] == [
        Amounts(10, UNLIMITED, UNLIMITED),
        Amounts(3, 200, UNLIMITED),
    ]
    assert {(each.ends, each.root) for each in found.allotments} == {(END, "r")}
    assert found.payer(found.accounts[2]) == AGENT + "mid"
    assert found.payer("tenant") is None


def test_the_authority_that_covers_the_call_pays():
    other, limited, free = authority("other", calls=1), authority(calls=2), authority()
    found = charged(payer("root", other, limited, free), payer("mid", free, limited))
    assert isinstance(found, Tolls)
    [own] = found.allotments
    assert own.limits.calls == 2
    assert f"{PREFIX}r:root#1" in own.account


def test_a_call_may_not_cost_more_at_once_than_one_authority_allows():
    # 100 in at 1 and 50 out at 2 a token: 200 micro.
    found = charged(payer("root", authority(usd_micro=199), authority(usd_micro=200)))
    assert isinstance(found, Tolls)
    assert found.allotments[0].limits.money_nano == 200_000
    dear = charged(payer("root", authority(usd_micro=199)))
    assert dear[0] == "authority.exceeded"
    assert "root" in dear[1]
    assert "authority.cost" in dear[1]


def test_money_is_not_limited_where_nobody_knows_the_price():
    unpriced = msgspec.structs.replace(TOLLS, is_priced=False)
    found = charged(payer("root", authority(usd_micro=1_000)), tolls=unpriced)
    assert found[0] == "authority.unpriced"
    assert isinstance(charged(payer("root", authority(calls=1)), tolls=unpriced), Tolls)


@pytest.mark.parametrize("limit", ["tokens", "usd_micro"])
def test_what_has_no_bound_is_within_no_limit(limit):
    found = charged(payer("root", authority(**{limit: 10**9})), tokens=AMOUNT_MAX)
    assert found[0] == "authority.exceeded"


def test_one_jti_given_twice_with_other_amounts_is_two_accounts_and_with_the_same_is_one():
    """Whoever signs may name its links as it likes; nothing it does there makes more of less."""
    twice = charged(
        payer("a", authority(calls=9), purse="x"), payer("a", authority(calls=8), purse="x")
    )
    assert isinstance(twice, Tolls)
    assert len(set(twice.accounts)) == 3
    same = charged(
        payer("a", authority(calls=8), purse="x"), payer("a", authority(calls=8), purse="x")
    )
    assert isinstance(same, Tolls)
    assert len(same.accounts) == len(same.allotments) + 1 == 2


AMOUNTS = st.one_of(st.none(), st.integers(0, AMOUNT_MAX))


@given(calls=AMOUNTS, tokens=AMOUNTS, usd_micro=AMOUNTS)
def test_an_account_allows_what_its_authority_does_and_no_more(calls, tokens, usd_micro):
    held = authority(calls=calls, tokens=tokens, usd_micro=usd_micro)
    found = charged(payer("root", held))
    is_enough = (calls is None or calls >= 1) and (tokens is None or tokens >= 150)
    is_enough = is_enough and (usd_micro is None or usd_micro >= 200)
    assert isinstance(found, Tolls) == is_enough
    if isinstance(found, Tolls) and found.allotments:
        limits = found.allotments[0].limits
        assert limits.calls == (UNLIMITED if calls is None else calls)
        assert limits.tokens == (UNLIMITED if tokens is None else tokens)
        assert limits.money_nano <= UNLIMITED if usd_micro is None else usd_micro * 1_000
        assert (limits.money_nano == UNLIMITED) == (usd_micro is None)
