"""Checkpoints under several keys: the log's two, and its witnesses'."""

import contextlib

import pytest

from holdfast.audit import (
    Checkpoint,
    Cosigner,
    Log,
    LogSigner,
    NoteError,
    Trust,
    Verifier,
    verify_log,
)
from holdfast.core import Instant

NAME = "holdfast.example/log"
SEED = bytes(range(32))


def now() -> Instant:
    return Instant(1_800_000_000_500_000)


TWO = LogSigner.from_seed(NAME, SEED, cosigner=Cosigner.mldsa44(NAME, b"\x01" * 32, now=now))
ONE = LogSigner.from_seed(NAME, SEED)
KEYS = "\n".join(each.vkey for each in TWO.verifiers)
WITNESSES = [
    Cosigner.ed25519(f"witness.example/w{number}", bytes([number]) * 32, now=now)
    for number in range(1, 4)
]
VKEYS = [each.verifier.vkey for each in WITNESSES]


def cosigned(*numbers: int) -> Checkpoint:
    checkpoint = Checkpoint.sign(TWO, size=7, root=bytes(32))
    text = TWO.verifier.open(checkpoint.note)
    return checkpoint.with_signatures([WITNESSES[n].cosign(text) for n in numbers])


def test_a_checkpoint_of_a_log_with_two_keys_opens_with_either_and_says_when() -> None:
    checkpoint = Checkpoint.sign(TWO, size=7, root=bytes(32))
    for verifier in TWO.verifiers:
        assert Checkpoint.open(checkpoint.note, Verifier.parse(verifier.vkey)).size == 7
    (own,) = checkpoint.cosignatures(TWO.verifiers)
    assert own.time == 1_800_000_000


def test_every_key_that_is_named_must_have_signed() -> None:
    both, one = (Checkpoint.sign(each, size=7, root=bytes(32)) for each in (TWO, ONE))
    assert Trust.parse(KEYS).open(both.note).size == 7
    assert Trust.parse(ONE.vkey).open(both.note).size == 7
    with pytest.raises(NoteError, match="bears no signature"):
        Trust.parse(KEYS).open(one.note)


def test_a_log_that_gets_a_second_key_signs_its_newest_tree_anew(house, words) -> None:
    log = house.open()
    house.write(words.entries(300))
    before = log.integrate()
    again = Log.open(blobs=house.blobs, store=house.store, journals=house.journals, signer=TWO)
    assert (again.checkpoint.size, again.checkpoint.root) == (before.size, before.root)
    assert verify_log(house.blobs, house.journals, KEYS).verified
    note = again.checkpoint.note
    once_more = Log.open(blobs=house.blobs, store=house.store, journals=house.journals, signer=TWO)
    assert once_more.checkpoint.note == note
    house.write(words.entries(5, start=300), worker=2)
    assert once_more.integrate().size == 305
    assert verify_log(house.blobs, house.journals, KEYS).verified


def test_a_crash_while_the_newest_tree_is_signed_anew_leaves_a_log_that_opens(
    make_house, words
) -> None:
    for kill_at in range(1, 6):
        house = make_house()
        log = house.open()
        house.write(words.entries(3))
        log.integrate()
        house.steps, house.kill_at = 0, kill_at
        reopen = {"blobs": house.blobs, "store": house.store, "journals": house.journals}
        with contextlib.suppress(words.killed):
            Log.open(**reopen, signer=TWO)
        house.kill_at = None
        Log.open(**reopen, signer=TWO)
        assert verify_log(house.blobs, house.journals, KEYS).verified


def test_a_quorum_counts_witnesses_not_keys_and_not_strangers() -> None:
    asked = Trust.parse(KEYS, witnesses=VKEYS, quorum=2)
    assert asked.open(cosigned(0, 2).note).size == 7
    for few in (cosigned(), cosigned(1)):
        with pytest.raises(NoteError, match="of the witnesses signed the checkpoint, 2 must"):
            asked.open(few.note)
    second = Cosigner.mldsa44("witness.example/w1", b"\x0a" * 32, now=now)
    both_keys = [VKEYS[0] + "\n" + second.verifier.vkey, VKEYS[1]]
    text = TWO.verifier.open(cosigned().note)
    one_witness = cosigned(0).with_signatures([second.cosign(text)])
    with pytest.raises(NoteError, match="1 of the witnesses"):
        Trust.parse(KEYS, witnesses=both_keys).open(one_witness.note)


@pytest.mark.parametrize(
    ("witnesses", "quorum"), [([], 1), (VKEYS, 4), (VKEYS, -1), ([ONE.vkey], 1), (["no key"], 1)]
)
def test_a_quorum_that_cannot_be_met_is_refused(witnesses: list[str], quorum: int) -> None:
    with pytest.raises(NoteError):
        Trust.parse(KEYS, witnesses=witnesses, quorum=quorum)


@pytest.mark.parametrize("keys", ["", "  ", "no key", VKEYS[0] + "\n" + VKEYS[1]])
def test_keys_that_are_not_those_of_one_log_are_refused(keys: str) -> None:
    with pytest.raises(NoteError):
        Trust.parse(keys)


def test_a_log_is_not_cosigned_in_another_name() -> None:
    with pytest.raises(NoteError, match="is not cosigned by"):
        LogSigner.from_seed(NAME, SEED, cosigner=Cosigner.mldsa44("other", SEED, now=now))


def test_a_newer_signature_of_one_key_takes_the_place_of_its_older() -> None:
    twice = cosigned(0).with_signatures([WITNESSES[0].cosign(TWO.verifier.open(cosigned().note))])
    assert len(twice.cosignatures([WITNESSES[0].verifier])) == 1
    assert twice.note.count(b"witness.example/w1") == 1


def test_the_witnessed_checkpoint_s_cosignatures_stand_under_the_newest_while_they_are_one(
    house, words
) -> None:
    log = house.open()
    house.write(words.entries(5))
    newest = log.integrate()
    text = house.signer.verifier.open(newest.note)
    signed = newest.with_signatures([WITNESSES[0].cosign(text)])
    assert house.reader().witnessed() is None
    few = verify_log(house.blobs, None, Trust.parse(house.signer.vkey, witnesses=VKEYS[:1]))
    assert few.problems == ("checkpoint: 0 of the witnesses signed the checkpoint, 1 must",)
    assert house.reader().vouched().note == newest.note
    house.blobs.put("witnessed", signed.note)
    assert house.reader().vouched().note == signed.note
    trust = Trust.parse(house.signer.vkey, witnesses=VKEYS[:1])
    house.reader().prove(3).verify(house.reader().entry(3).data, trust)
    assert verify_log(house.blobs, None, trust).verified
    house.write(words.entries(5, start=5), worker=2)
    later = log.integrate()
    assert house.reader().vouched().note == later.note
    proof = house.reader().prove_under(house.reader().witnessed(), 3)
    proof.verify(house.reader().entry(3).data, trust)
    assert verify_log(house.blobs, None, trust).size == 5
