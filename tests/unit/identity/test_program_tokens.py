"""Tokens of programs: shown once, kept as digests, over when they are."""

import pytest

from holdfast.audit import Act, Outbox, decode_change
from holdfast.core import Instant
from holdfast.identity.programs import (
    DAYS_MAX,
    PROGRAM_TOKENS_MAX,
    TOKEN_LENGTH,
    ProgramTokenError,
    ProgramTokenStore,
    ProgramTokenUnknownError,
    new_program_token,
)
from holdfast.world.sim import SimEntropy, SimStore

DAY = 86_400 * 1_000_000
BY = "user:here:ann"
ENTROPY = SimEntropy(3)


def act(at=1, name="01A"):
    return Act(id=name, by=BY, at=Instant(at))


def made(name="prometheus", role="viewer", *, days=1, now=0):
    return new_program_token(name, role, by=BY, days=days, now=Instant(now), entropy=ENTROPY)


@pytest.fixture
def rows():
    store = SimStore()
    yield store
    store.close()


@pytest.fixture
def tokens(rows):
    return ProgramTokenStore(rows)


def test_a_token_is_found_by_its_text_and_by_nothing_else(tokens):
    token, text = made()
    tokens.add(token, text, act=act())
    assert len(text) == TOKEN_LENGTH
    assert tokens.find(text) == token
    for other in (text[:-1] + "A", text[:-1], text + "A", "", "hfc_" + token.id, text.upper()):
        assert other == text or tokens.find(other) is None


def test_nothing_that_is_kept_is_a_token(tokens, rows):
    token, text = made()
    tokens.add(token, text, act=act())
    with rows.snapshot() as view:
        kept = repr(view.query("select * from console_tokens"))
    assert text not in kept
    assert text.rpartition("_")[2] not in kept


def test_a_token_is_good_until_it_ends_or_is_revoked(tokens):
    token, text = made(days=2)
    tokens.add(token, text, act=act())
    assert token.is_good(Instant(2 * DAY - 1))
    assert not token.is_good(Instant(2 * DAY))
    tokens.revoke(token.id, act=act(5))
    found = tokens.find(text)
    assert found is not None
    assert not found.is_good(Instant(6))
    assert tokens.revoke(token.id, act=act(9)).revoked == 5


def test_making_and_revoking_are_changes_in_the_log(tokens, rows):
    token, text = made()
    tokens.add(token, text, act=act(1, "01A"))
    tokens.revoke(token.id, act=act(2, "01B"))
    tokens.revoke(token.id, act=act(3, "01C"))
    changes = [decode_change(entry) for _, entry in Outbox(rows).waiting(10)]
    subject = f"prometheus:viewer:{token.id}"
    assert [(each.kind, each.subject, each.by) for each in changes] == [
        ("console.token-made", subject, BY),
        ("console.token-revoked", subject, BY),
    ]


def test_what_was_never_made_cannot_be_revoked(tokens):
    with pytest.raises(ProgramTokenUnknownError):
        tokens.revoke("nothing", act=act())


def test_of_too_many_those_that_are_over_make_room_and_good_ones_do_not(tokens):
    for _ in range(PROGRAM_TOKENS_MAX):
        tokens.add(*made(days=1), act=act())
    with pytest.raises(ProgramTokenError):
        tokens.add(*made(), act=act(DAY - 1))
    token, text = made(now=DAY)
    tokens.add(token, text, act=act(DAY))
    assert tokens.list() == (token,)


@pytest.mark.parametrize("name", ["", "A", "-a", "a b", "a" * 64, "a\n", "é"])
def test_a_programs_name_is_plain(name):
    with pytest.raises(ProgramTokenError):
        made(name)


@pytest.mark.parametrize("days", [0, -1, DAYS_MAX + 1])
def test_no_token_lives_for_ever(days):
    with pytest.raises(ProgramTokenError):
        made(days=days)
