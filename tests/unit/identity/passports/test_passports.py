"""Passports: signed, versioned, and their states revoke the agent for as long as they say."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from holdfast.audit import Act, Outbox, decode_change
from holdfast.core import Instant, sha256_digest
from holdfast.identity import IdentityError, SigningKey, b64url
from holdfast.identity.passports import (
    STATUSES,
    Build,
    Model,
    PassportError,
    PassportExistsError,
    PassportForgedError,
    PassportStateError,
    PassportStore,
    PassportUnknownError,
    Roll,
    Tool,
    document,
    next_status,
    open_passport,
    passport_json,
    read_application,
    settled,
    subjects_of_holder,
)
from holdfast.identity.revocation import RevocationFinalError, RevocationStore, subject
from holdfast.world.sim import SimStore

KEY = SigningKey.from_seed(b"k" * 32)
NOW = 1_780_000_000_000_000
AGENT = "spiffe://example.org/t/acme/agent/reviewer"
DIGEST = "sha256:" + "ab" * 32
AUTHORITY = {
    "type": "mcp_tool",
    "locations": ["https://documents.example/mcp"],
    "actions": ["call"],
    "tools": ["read"],
}


def form(**more):
    return {
        "sub": AGENT,
        "controller": {"org": "Example Org", "contact": "ops@example.org"},
        "owner": "user:idp:alice",
        "risk_tier": 2,
        "build": {"model": {"ref": "example-8b"}, "system_prompt": DIGEST},
        "max_mandate": [AUTHORITY],
        **more,
    }


def act(name: str, *, after_s: int = 0, reason: str = "") -> Act:
    return Act(id=name, by="user:host:op", at=Instant(NOW + after_s * 1_000_000), reason=reason)


@pytest.fixture
def rows():
    made = SimStore()
    yield made
    made.close()


@pytest.fixture
def store(rows) -> PassportStore:
    return PassportStore(rows, public=KEY.public, key=KEY)


def revoked(rows) -> bool:
    return RevocationStore(rows).state().held.find([subject("agent", AGENT)]) is not None


def test_the_document_is_canonical_json_and_its_digest_stands_in_the_log(store, rows) -> None:
    kept = store.create(read_application(form()), act=act("1"))
    data = document(kept.passport)
    assert data == rfc8785.dumps(json.loads(data))
    assert open_passport(kept.token, KEY.public) == kept.passport
    [record] = [decode_change(entry) for _, entry in Outbox(rows).waiting(10)]
    assert (record.kind, record.subject) == ("passport.created", AGENT)
    assert record.digest == sha256_digest(data)


def test_the_build_digest_is_of_the_parts_that_are_given() -> None:
    build = Build(model=Model(ref="m"), system_prompt=DIGEST)
    said = rfc8785.dumps({"model": {"ref": "m"}, "system_prompt": DIGEST})
    assert build.digest == sha256_digest(said)


tools = st.builds(
    Tool,
    server=st.sampled_from("ab"),
    name=st.sampled_from("xy"),
    descriptor_sha256=st.just(DIGEST),
)


@given(st.lists(tools, max_size=4, unique_by=lambda t: (t.server, t.name)), st.randoms())
def test_the_order_in_which_tools_are_named_changes_nothing(named, chance) -> None:
    mixed = list(named)
    chance.shuffle(mixed)
    assert settled(Build(tools=tuple(named))).digest == settled(Build(tools=tuple(mixed))).digest


def test_any_part_that_changes_changes_the_build() -> None:
    builds = [
        Build(),
        Build(model=Model(ref="m")),
        Build(model=Model(ref="m", oms_root=DIGEST)),
        Build(system_prompt=DIGEST),
        Build(policy_bundle=DIGEST),
        Build(image=DIGEST),
        Build(tools=(Tool(server="a", name="x", descriptor_sha256=DIGEST),)),
    ]
    assert len({build.digest for build in builds}) == len(builds)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sub": "reviewer"},
        {"sub": AGENT + "/"},
        {"risk_tier": 5},
        {"risk_tier": -1},
        {"risk_tier": 1.5},
        {"owner": ""},
        {"owner": "two\nlines"},
        {"controller": {"org": "x" * 301, "contact": "c"}},
        {"controller": {"org": "Org"}},
        {"build": {"system_prompt": "abc"}},
        {"build": {"image": "sha256:" + "A" * 64}},
        {"build": {"tools": [{"server": "a", "name": "x", "descriptor_sha256": "no"}]}},
        {"build": {"tools": [{"server": "a", "name": "x", "descriptor_sha256": DIGEST}] * 2}},
        {"build": {"weights": DIGEST}},
        {"max_mandate": [{"type": "mcp_tool"}]},
        {"max_mandate": [{**AUTHORITY, "everything": True}]},
        {"status": "active"},
        {"seq": 7},
    ],
)
def test_an_application_that_makes_no_sense_is_refused(wrong) -> None:
    with pytest.raises(PassportError):
        read_application(form(**wrong))


def test_nobody_gets_a_second_passport_but_a_next_version(store) -> None:
    first = store.create(read_application(form()), act=act("1"))
    with pytest.raises(PassportExistsError):
        store.create(read_application(form()), act=act("2"))
    second = store.replace(read_application(form(risk_tier=3)), act=act("3"))
    assert (second.passport.seq, second.passport.place) == (2, first.passport.place)
    assert [kept.passport.risk_tier for kept in store.history(AGENT)] == [2, 3]
    assert store.find(AGENT) == second
    assert store.list() == (second,)
    with pytest.raises(PassportUnknownError):
        store.replace(read_application(form(sub=AGENT + "-other")), act=act("4"))


def test_places_in_the_status_list_are_never_given_twice(store) -> None:
    subs = [f"{AGENT}-{n}" for n in range(5)]
    made = [
        store.create(read_application(form(sub=sub)), act=act(str(n))) for n, sub in enumerate(subs)
    ]
    assert [kept.passport.place for kept in made] == [0, 1, 2, 3, 4]


def test_an_agent_is_revoked_exactly_while_its_passport_is_not_active(store, rows) -> None:
    store.create(read_application(form()), act=act("1"))
    for number, (step, is_revoked) in enumerate(
        [("suspend", True), ("resume", False), ("suspend", True), ("revoke", True)], 2
    ):
        store.step(AGENT, step, act=act(str(number)))
        assert revoked(rows) is is_revoked, step
    kinds = [decode_change(entry).kind for _, entry in Outbox(rows).waiting(100)]
    assert [kind for kind in kinds if kind.startswith("passport.")] == [
        "passport.created",
        "passport.suspended",
        "passport.resumed",
        "passport.suspended",
        "passport.revoked",
    ]


def test_what_a_passport_holds_revoked_no_other_hand_lifts(store, rows) -> None:
    store.create(read_application(form()), act=act("1"))
    store.step(AGENT, "suspend", act=act("2"))
    revocations = RevocationStore(rows)
    with pytest.raises(RevocationFinalError):
        revocations.lift(revocations.list()[0].id, act=act("3"))
    assert revoked(rows)


def test_resuming_leaves_what_others_revoked(store, rows) -> None:
    store.create(read_application(form()), act=act("1"))
    RevocationStore(rows).revoke("agent", AGENT, act=act("2"))
    store.step(AGENT, "suspend", act=act("3"))
    store.step(AGENT, "resume", act=act("4"))
    assert revoked(rows)


@given(st.sampled_from(STATUSES), st.sampled_from(["replace", "resume", "revoke", "suspend"]))
def test_nothing_leads_out_of_revoked_and_each_step_does_what_it_says(status, step) -> None:
    try:
        after = next_status(status, step, sub=AGENT)
    except PassportStateError:
        assert status == "revoked" or (status, step) in {
            ("active", "resume"),
            ("suspended", "suspend"),
        }
        return
    assert status != "revoked"
    assert after == {"resume": "active", "revoke": "revoked", "suspend": "suspended"}.get(
        step, status
    )


def test_a_row_that_our_key_did_not_sign_is_not_believed(store, rows) -> None:
    kept = store.create(read_application(form()), act=act("1"))
    body = json.loads(document(kept.passport))
    body["risk_tier"] = 0
    head, _, signature = kept.token.split(".")
    forged = f"{head}.{b64url(rfc8785.dumps(body))}.{signature}"
    with rows.transaction() as change:
        change.execute("update passports set token = ?", (forged,))
    with pytest.raises(PassportForgedError):
        store.find(AGENT)
    with pytest.raises(PassportForgedError):
        store.step(AGENT, "suspend", act=act("2"))


def test_a_build_digest_that_is_not_of_its_parts_is_not_believed(store) -> None:
    kept = store.create(read_application(form()), act=act("1"))
    body = json.loads(document(kept.passport))
    body["build"] = DIGEST
    token = KEY.sign({"typ": "passport+jwt"}, rfc8785.dumps(body))
    with pytest.raises(PassportError):
        open_passport(token, KEY.public)


def test_a_reader_without_key_changes_nothing(rows) -> None:
    reader = PassportStore(rows, public=KEY.public)
    with pytest.raises(PassportError):
        reader.create(read_application(form()), act=act("1"))
    assert reader.list() == ()


def test_a_roll_finds_each_passport_as_it_was_signed(store) -> None:
    made = [
        store.create(read_application(form(sub=f"{AGENT}-{n}")), act=act(str(n))) for n in range(3)
    ]
    roll = Roll.decode(Roll.of(kept.passport for kept in made).encode())
    assert len(roll) == 3
    for kept in made:
        assert roll.find(kept.passport.sub) == kept.passport
        assert roll.find(kept.passport.sub) is roll.find(kept.passport.sub)
    assert roll.find("spiffe://example.org/t/acme/agent/nobody") is None
    with pytest.raises(IdentityError):
        Roll.decode(b"\xc1")


def test_a_passport_without_authority_says_so(store) -> None:
    kept = store.create(read_application(form(max_mandate=[], build={})), act=act("1"))
    assert kept.passport.max_mandate == ()
    assert passport_json(kept.passport)["max_mandate"] == []


def test_an_api_key_of_an_agent_dies_with_what_its_passport_says(store) -> None:
    kept = store.create(read_application(form()), act=act("1"))
    roll = Roll.of([kept.passport])
    found = subjects_of_holder(AGENT, tenant="acme", roll=roll)
    for kind, name in (
        ("agent", AGENT),
        ("principal", AGENT),
        ("tenant", "acme"),
        ("build", kept.passport.build),
        ("controller", "Example Org"),
    ):
        assert subject(kind, name) in found
    desk = "spiffe://example.org/t/acme/service/desk"
    assert len(subjects_of_holder(desk, tenant="acme", roll=roll)) == 3
