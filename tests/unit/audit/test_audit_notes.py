import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.audit import Checkpoint, LogSigner, NoteError, Proof, ProofError, Verifier, leaf_hash

SIGNER = LogSigner.from_seed("holdfast.example/log", bytes(32))
OTHER = LogSigner.from_seed("holdfast.example/log", bytes(31) + b"\x01")
NOTE = SIGNER.sign("one\n\ntwo\n")


def test_a_note_opens_with_the_key_that_signed_it_and_no_other() -> None:
    assert Verifier.parse(SIGNER.vkey).open(NOTE) == "one\n\ntwo\n"
    with pytest.raises(NoteError, match="bears no signature"):
        Verifier.parse(OTHER.vkey).open(NOTE)


def test_signatures_by_others_are_passed_over() -> None:
    line = OTHER.sign("one\n\ntwo\n").split(b"\n\n")[-1]
    assert SIGNER.verifier.open(NOTE + line) == "one\n\ntwo\n"
    assert OTHER.verifier.open(NOTE + line) == "one\n\ntwo\n"


def test_one_bad_signature_by_a_known_key_spoils_the_note() -> None:
    bad = base64.b64encode(SIGNER.verifier.key_id + bytes(64)).decode()
    with pytest.raises(NoteError, match="does not hold"):
        SIGNER.verifier.open(NOTE + f"— {SIGNER.name} {bad}\n".encode())


@given(st.integers(0, len(NOTE) - 1), st.integers(0, 7))
def test_no_bit_of_a_note_can_change(position: int, bit: int) -> None:
    altered = bytearray(NOTE)
    altered[position] ^= 1 << bit
    with pytest.raises(NoteError):
        SIGNER.verifier.open(bytes(altered))


@given(st.binary(max_size=200))
def test_rubbish_is_no_note(data: bytes) -> None:
    with pytest.raises(NoteError):
        SIGNER.verifier.open(data)


@given(st.integers(0, len(SIGNER.vkey) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_no_character_of_a_verifier_key_can_change(position: int, character: str) -> None:
    altered = SIGNER.vkey[:position] + character + SIGNER.vkey[position + 1 :]
    if altered != SIGNER.vkey:
        with pytest.raises(NoteError):
            Verifier.parse(altered)


def test_a_verifier_key_is_read_as_it_is_written() -> None:
    assert Verifier.parse(SIGNER.vkey) == SIGNER.verifier
    assert SIGNER.verifier.vkey == SIGNER.vkey


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b"])
def test_key_names_have_neither_space_nor_plus(name: str) -> None:
    with pytest.raises(NoteError):
        LogSigner.from_seed(name, bytes(32))


def test_a_seed_has_32_bytes() -> None:
    with pytest.raises(NoteError, match="32 bytes"):
        LogSigner.from_seed("log", bytes(31))


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n"])
def test_only_whole_lines_of_text_are_signed(text: str) -> None:
    with pytest.raises(NoteError):
        SIGNER.sign(text)


def test_a_checkpoint_is_read_as_it_was_signed() -> None:
    checkpoint = Checkpoint.sign(SIGNER, size=7, root=bytes(32))
    assert Checkpoint.open(checkpoint.note, SIGNER.verifier) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "holdfast.example/log\n7\n",
        "holdfast.example/log\n07\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "holdfast.example/log\n-1\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "holdfast.example/log\n7\n" + base64.b64encode(bytes(31)).decode() + "\n",
        "holdfast.example/log\n7\nnot base64\n",
        "another.example/log\n7\n" + base64.b64encode(bytes(32)).decode() + "\n",
    ],
)
def test_a_signed_note_that_is_no_checkpoint_of_this_log_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.open(SIGNER.sign(text), SIGNER.verifier)


@given(st.integers(0, 2**60), st.lists(st.binary(min_size=32, max_size=32), max_size=60), st.data())
def test_a_proof_is_read_as_it_was_written(index: int, hashes: list[bytes], data) -> None:
    extra = data.draw(st.none() | st.binary(max_size=50))
    proof = Proof(index=index, hashes=tuple(hashes), checkpoint=NOTE, extra=extra)
    assert Proof.parse(proof.text()) == proof


@given(st.text(max_size=200))
def test_rubbish_is_no_proof(text: str) -> None:
    with pytest.raises(ProofError):
        Proof.parse(text)
    with pytest.raises(ProofError):
        Proof.parse("c2sp.org/tlog-proof@v1\n" + text.replace("index", ""))


def test_a_proof_of_the_only_entry_vouches_for_it_and_for_nothing_else() -> None:
    checkpoint = Checkpoint.sign(SIGNER, size=1, root=leaf_hash(b"entry"))
    proof = Proof(index=0, hashes=(), checkpoint=checkpoint.note)
    assert proof.verify(b"entry", SIGNER.vkey) == checkpoint
    with pytest.raises(ProofError):
        proof.verify(b"another", SIGNER.vkey)
    with pytest.raises(NoteError):
        proof.verify(b"entry", OTHER.vkey)
