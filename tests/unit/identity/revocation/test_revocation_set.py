"""What is revoked is found by any of its subjects, and only while a revocation holds it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import Instant
from holdfast.identity.revocation import (
    KINDS,
    Held,
    RevocationError,
    RevocationSet,
    checked,
    subject,
    subjects_of_caller,
)

AGENT = "spiffe://example.org/t/acme/agent/reviewer"
kinds = st.sampled_from(KINDS)
names = st.sampled_from(["a", "b", "c"])
helds = st.builds(
    Held, id=st.sampled_from("123456"), kind=kinds, name=names, at=st.just(Instant(1))
)


@given(st.lists(helds, max_size=6, unique_by=lambda h: h.id), st.lists(st.tuples(kinds, names)))
def test_a_chain_is_hit_exactly_when_one_of_its_subjects_is_held(held, asked) -> None:
    found = RevocationSet(held).find([subject(*each) for each in asked])
    hits = [each for each in asked if each in {(h.kind, h.name) for h in held}]
    assert (None if found is None else (found.kind, found.name)) == (hits[0] if hits else None)


@given(st.lists(helds, max_size=6, unique_by=lambda h: h.id), st.sets(st.sampled_from("123456")))
def test_a_subject_is_free_when_all_that_hold_it_are_lifted(held, lifted) -> None:
    left = RevocationSet(held).changed(less=lifted)
    assert {each.id for each in left.all()} == {each.id for each in held} - lifted
    for each in held:
        still = any(
            (other.kind, other.name) == (each.kind, each.name) and other.id not in lifted
            for other in held
        )
        assert (left.find([subject(each.kind, each.name)]) is not None) == still


def test_a_set_that_is_changed_leaves_the_one_it_came_from_as_it_was() -> None:
    before = RevocationSet()
    after = before.changed(more=[Held(id="1", kind="tenant", name="acme", at=Instant(1))])
    assert (len(before), len(after)) == (0, 1)


def test_kinds_do_not_meet_though_their_names_are_equal() -> None:
    found = RevocationSet([Held(id="1", kind="tenant", name="x", at=Instant(1))])
    assert found.find([subject("controller", "x")]) is None


def test_a_key_dies_with_its_agent_tenant_principal_build_or_controller() -> None:
    all_of_it = subjects_of_caller(
        AGENT, tenant="acme", build="sha256:" + "0" * 64, controller="Org", key="k" * 43
    )
    for kind, name in (
        ("agent", AGENT),
        ("principal", AGENT),
        ("tenant", "acme"),
        ("build", "sha256:" + "0" * 64),
        ("controller", "Org"),
        ("key", "k" * 43),
    ):
        held = RevocationSet([Held(id="1", kind=kind, name=name, at=Instant(1))])
        assert held.find(all_of_it) is not None, kind


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("agent", AGENT),
        ("principal", "user:https://idp.example:alice"),
        ("build", "sha256:" + "a" * 64),
        ("tool", "documents/read"),
        ("tool", "sha256:" + "a" * 64),
        ("key", "A" * 43),
        ("mandate", "01JD"),
        ("controller", "Example Org"),
        ("tenant", "acme"),
    ],
)
def test_a_well_written_subject_is_taken(kind, name) -> None:
    assert checked(kind, name) == (kind, name)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("agent", "reviewer"),
        ("agent", AGENT + "\n"),
        ("build", "sha256:" + "A" * 64),
        ("key", "A" * 42),
        ("mandate", "two words"),
        ("mandate", ""),
        ("tool", "read"),
        ("tenant", "a/b"),
        ("controller", "a\x00"),
        ("controller", "x" * 401),
        ("agnet", AGENT),
    ],
)
def test_what_could_never_match_anything_is_refused(kind, name) -> None:
    with pytest.raises(RevocationError):
        checked(kind, name)
