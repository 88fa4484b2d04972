"""What is found, by class; how sure; what counts for nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.loops.drift import Bindings, Contact, Form, Kind, Presence, Proof, Tally, identity
from holdfast.loops.drift.judge import confidence


def found(report, *, all_levels: bool = False) -> set[tuple]:
    return {
        (each.kind.value, each.source, each.target)
        for each in report.findings
        if each.kind.startswith("D") and (all_levels or each.level != "note")
    }


def test_what_is_declared_converges(shop):
    report = shop.judge(shop.tally(("web", "cart", {"protocol": "http"})))
    assert found(report) == set()
    assert report.scores.fitness == 1.0


@pytest.mark.parametrize(
    ("met", "kind"),
    [
        (("cart", "web"), "D1"),
        (("web", "cart", {"port": 9}), "D2"),
        (("web", "cart", {"protocol": "ftp"}), "D2"),
        (("guard", "vault", {"tool": "steal"}), "D2"),
        (("web", "shadow"), "D3"),
        (("shadow", "pay"), "D3"),
        (("web", "cart", {"encrypted": False}), "D4"),
        (("planner", "vault"), "D5"),
    ],
)
def test_each_divergence_has_its_class(shop, met, kind):
    report = shop.judge(shop.tally(met))
    ((found_kind, source, target),) = found(report)
    assert found_kind == kind
    assert source in {met[0], f"service=/{met[0]}"}
    assert target in {met[1], f"service=/{met[1]}"}


def test_a_region_that_is_not_the_declared_one_contradicts(shop):
    tally = Tally()
    for n in range(9):
        tally.show(Presence(shop.service("db"), "us-1"), shop.now - n)
    assert found(shop.judge(tally)) == {("D4", "db", "")}


def test_a_party_that_says_another_name_than_its_platform_proves_contradicts(shop):
    spiffe = "spiffe://holdfast.local/t/default/service/cart"
    tally, liar = Tally(), identity((("spiffe", spiffe), ("service", "/web")))
    for n in range(9):
        contact = Contact(
            source=liar, target=identity((("db", "x/db"),)), form=Form.STORE, proof=Proof.PAIRED
        )
        tally.meet(contact, shop.now - n)
    kinds = {(each.kind, each.fact) for each in shop.judge(tally).findings if each.n}
    assert (Kind.CONTRADICTION, "identity") in kinds


def test_one_authenticated_sighting_of_a_privileged_target_is_an_alert(shop):
    sure = shop.tally(("shadow", "pay", {"proof": Proof.AUTHENTICATED}), n=1)
    unsure = shop.tally(("shadow", "pay"), n=1)
    plain = shop.tally(("shadow", "cart", {"proof": Proof.AUTHENTICATED}), n=1)
    assert [each.kind.value for each in shop.judge(sure).alerts] == ["D3"]
    assert shop.judge(unsure).alerts == ()
    assert shop.judge(plain).alerts == ()


def test_a_bare_address_is_never_sure_enough_to_report(shop):
    tally = Tally()
    stranger = identity((("address", "10.9.9.9:1"), ("ip", "10.9.9.9")))
    for n in range(500):
        contact = Contact(
            source=shop.service("web"), target=stranger, form=Form.CALL, proof=Proof.ONE_SIDED
        )
        tally.meet(contact, shop.now - n)
    assert found(shop.judge(tally)) == set()
    assert found(shop.judge(tally), all_levels=True) == {("D3", "web", "address=10.9.9.9:1")}


def test_a_call_between_strangers_is_another_system_s(shop):
    report = shop.judge(shop.tally(("x", "y")))
    assert found(report, all_levels=True) == set()
    assert report.matched.foreign == 20


def test_a_relationship_of_the_whole_covers_its_parts_and_not_the_reverse(shop):
    whole = shop.text.replace(
        "flows:",
        "  - {id: carts, composed-of: {container: cart, nodes: [cart-v2]}}\nflows:",
    ).replace("  pay:", "  cart-v2: {type: service, description: A.}\n  pay:")
    assert found(shop.judge(shop.tally(("web", "cart-v2")), whole)) == set()
    part = whole.partition("flows:")[0].replace("[web, cart]", "[web, cart-v2]")
    assert found(shop.judge(shop.tally(("web", "cart")), part)) == {("D1", "web", "cart")}
    assert shop.judge(shop.tally(("cart", "cart-v2")), whole).matched.inside == 20


def test_what_is_excluded_by_rule_counts_for_nothing_however_often_it_is(shop):
    tally = shop.tally(("prober", "cart"))
    bound = Bindings(ignored=frozenset({"service=/prober"}))
    assert found(shop.judge(tally)) == {("D3", "service=/prober", "cart")}
    assert found(shop.judge(tally, bindings=bound), all_levels=True) == set()


def test_another_environment_is_another_system(shop):
    tally = shop.tally(("cart@test", "web"))
    assert found(shop.judge(tally)) == {("D1", "cart", "web")}
    assert found(shop.judge(tally, bindings=Bindings(environment="prod"))) == set()


def test_a_binding_goes_before_every_claim(shop):
    tally = shop.tally(("web", "basket"))
    bound = Bindings(nodes={"service=/basket": "cart"})
    assert found(shop.judge(tally)) == {("D3", "web", "service=/basket")}
    assert found(shop.judge(tally, bindings=bound)) == set()


def test_names_that_are_alike_are_not_one(shop):
    assert found(shop.judge(shop.tally(("web", "Cart")))) == {("D3", "web", "service=/Cart")}


def test_an_address_is_learnt_from_calls_that_both_sides_told(shop):
    paired = shop.tally(("web", "service=/cart\naddress=c.internal:80"))
    paired.merge(shop.tally(("web", "address=c.internal:80", {"proof": Proof.ONE_SIDED})))
    assert found(shop.judge(paired), all_levels=True) == set()


def test_an_address_that_several_share_says_nothing_of_whom(shop):
    shared = shop.tally(
        ("web", "service=/cart\naddress=lb:80"), ("cart", "service=/pay\naddress=lb:80")
    )
    shared.merge(shop.tally(("web", "address=lb:80", {"proof": Proof.ONE_SIDED})))
    report = shop.judge(shared)
    assert found(report, all_levels=True) == set()
    assert report.matched.unclear == 20


def test_a_tool_whose_server_is_not_told_is_no_stranger_once_a_server_was_seen_to_have_it(shop):
    alone = shop.tally(("guard", "tool=pay", {"proof": Proof.ONE_SIDED}))
    assert found(shop.judge(alone)) == {("D3", "guard", "tool=pay")}
    alone.merge(shop.tally(("guard", "service=/vault\ntool=pay")))
    assert found(shop.judge(alone)) == set()


def test_a_second_agent_in_one_process_is_no_other_name_of_the_first(shop):
    def agents(*names: str) -> Tally:
        return shop.tally(
            *(("guard", f"agent-name={name}\nservice=/planner") for name in names), n=9
        )

    assert found(shop.judge(agents("The planner"))) == {("D1", "guard", "planner")}
    kinds = found(shop.judge(agents("planner", "rogue")))
    assert ("D3", "guard", "agent-name=rogue") in kinds


def test_a_waiver_in_force_takes_the_finding_on_and_one_that_expired_does_not(shop):
    tally = shop.tally(("cart", "web"))

    def waived(expires: str) -> list[bool]:
        entry = f"{{rule: DRIFT-D1, at: cart->web, owner: me, reason: known, expires: '{expires}'}}"
        text = shop.text + f"review: {{waivers: [{entry}]}}\n"
        report = shop.judge(tally, text)
        return [f.waiver is not None for f in report.findings if f.kind is Kind.UNDECLARED_EDGE]

    assert waived("2027-01-15") == [True]
    assert waived("2027-01-14") == [False]


def test_the_table_says_what_each_difference_of_the_three_means(shop):
    permitted = frozenset({("web", "cart"), ("web", "db")})
    report = shop.judge(shop.tally(("web", "cart"), ("cart", "web")), permitted=permitted)
    said = {(row.source, row.target): row.reading.name for row in report.rows}
    assert said["web", "cart"] == "AGREES"
    assert said["web", "db"] == "SURFACE"
    assert said["cart", "web"] == "HOLE"
    assert said["cart", "db"] == "OUTAGE"


@given(st.dictionaries(
    st.tuples(st.sampled_from(list(Proof)), st.sampled_from([0.3, 0.7, 0.9, 1.0])),
    st.integers(1, 50), max_size=6,
), st.sampled_from(list(Proof)))  # fmt: skip
def test_more_evidence_never_makes_less_sure_and_nothing_makes_certain(samples, proof):
    more = samples | {(proof, 0.9): samples.get((proof, 0.9), 0) + 1}
    assert 0.0 <= confidence(samples) <= confidence(more) < 1.0


def test_confidence_is_as_defined():
    expected = 1 - (1 - 0.95 * 0.9 * (1 - math.exp(-3 / 2))) * (1 - 0.95 * (1 - math.exp(-1 / 2)))
    assert confidence({(Proof.PAIRED, 0.9): 3, (Proof.GATEWAY, 1.0): 1}) == pytest.approx(expected)


def test_scores_count_calls_and_leave_out_what_is_blind(shop):
    report = shop.judge(shop.tally(("web", "cart")))
    assert report.scores.precision == 1.0
    assert report.scores.drift == 0.0
