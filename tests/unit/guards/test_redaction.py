"""What is taken out of a text, and what must stay in it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.guards import KINDS, redact, redact_json

# Published examples: ISO 13616 registry, card schemes' test numbers, RFC 5737, RFC 3849, 555 numbers.
FOUND = [
    ("card", "4111 1111 1111 1111"),
    ("card", "5555555555554444"),
    ("card", "3782-822463-10005"),
    ("iban", "GB82 WEST 1234 5698 7654 32"),
    ("iban", "DE89370400440532013000"),
    ("iban", "NO9386011117947"),
    ("email", "first.last+tag@mail.example.com"),
    ("ip", "192.0.2.17"),
    ("ip", "2001:db8::8a2e:370:7334"),
    ("phone", "+1 202-555-0143"),
    ("phone", "+49 (30) 1234567"),
    ("phone", "0044 20 7946 0018"),
    ("secret", "AKIAIOSFODNN7EXAMPLE"),
    ("secret", "sk-" + "a1B2" * 8),
    ("secret", "ghp_" + "a1B2" * 9),
    ("secret", "hf_0123456789_" + "x" * 43),
    ("secret", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLWdvZXMtaGVyZQ"),
    (
        "secret",
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBkg\n-----END EC PRIVATE KEY-----",
    ),
]
KEPT = [
    ("card", "order 4111 1111 1111 1112"),  # the checksum does not hold
    ("card", "0000 0000 0000 0000"),
    ("card", "3.14159265358979323846"),
    ("iban", "GB82 WEST 1234 5698 7654 33"),
    ("email", "a @ b"),
    ("ip", "section 1.2.3"),
    ("ip", "at 12:30:45"),
    ("ip", "999.1.1.1"),
    ("phone", "the years 1998-2004"),
    ("phone", "+1 20"),
    ("secret", "sk-ip this"),
    ("secret", "clause 14 of the agreement"),
]


@pytest.mark.parametrize(("kind", "text"), FOUND)
def test_what_has_the_form_is_taken_out_and_its_kind_stays(kind: str, text: str) -> None:
    assert redact(f"Before ({text}), after.", [kind]) == (f"Before ([{kind}]), after.", 1)
    assert redact(text, [kind]) == (f"[{kind}]", 1)


@pytest.mark.parametrize(("kind", "text"), KEPT)
def test_what_only_looks_alike_stays(kind: str, text: str) -> None:
    assert redact(text, [kind]) == (text, 0)


@pytest.mark.parametrize(("kind", "text"), FOUND)
def test_only_the_kinds_that_are_asked_for_are_taken_out(kind: str, text: str) -> None:
    assert redact(text, [])[1] == 0
    assert redact(text, KINDS)[0] != text


@given(st.lists(st.sampled_from([text for _, text in FOUND]), max_size=5), st.text(max_size=40))
def test_nothing_that_has_the_form_is_left_however_much_there_is(parts, rest) -> None:
    text = " ; ".join([*parts, rest])
    redacted, count = redact(text, KINDS)
    assert count >= len(parts)
    assert not [part for part in parts if part in redacted]
    assert redact(redacted, KINDS) == (redacted, 0)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-999, 999) | st.sampled_from([t for _, t in FOUND]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=20,
    )
)
def test_every_text_of_a_json_value_is_looked_at_and_nothing_else_changes(value) -> None:
    redacted, count = redact_json(value, KINDS)

    def texts(each):
        if isinstance(each, str):
            return [each]
        inner = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        return [text for part in inner for text in texts(part)]

    assert len(texts(redacted)) == len(texts(value)) == count
    assert all(re.fullmatch(r"\[\w+\]", text) for text in texts(redacted))


def test_what_is_nested_too_deep_to_be_looked_at_does_not_pass() -> None:
    value: object = "a@b.example"
    for _ in range(101):
        value = [value]
    with pytest.raises(RecursionError):
        redact_json(value, KINDS)
