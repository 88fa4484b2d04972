"""A witness never signs two trees that fork, and forgets nothing that it signed."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.audit import (
    AddCheckpoint,
    Answer,
    Checkpoint,
    Cosigner,
    KnownLog,
    LogSigner,
    Note,
    NoteError,
    ProofError,
    Submission,
    Witness,
    WitnessError,
    consistency_proof,
    leaf_hash,
    origin_hash,
    range_hash_of,
    root_of,
)
from holdfast.core import Instant
from holdfast.world.ports import WorldError
from holdfast.world.sim import SimStore

NOW = Instant(1_800_000_000_000_000)
LOG = LogSigner.from_seed("holdfast.example/log", bytes(32))
OTHER = LogSigner.from_seed("holdfast.example/log", bytes(31) + b"\x01")
COSIGNERS = (
    Cosigner.ed25519("witness.example/w1", b"\x07" * 32, now=lambda: NOW),
    Cosigner.mldsa44("witness.example/w1", b"\x08" * 32, now=lambda: NOW),
)
KEYS = tuple(each.verifier for each in COSIGNERS)
LEAVES = [leaf_hash(b"entry %d" % number) for number in range(40)]
FORK = [*LEAVES[:7], leaf_hash(b"another"), *LEAVES[8:]]


def checkpoint(size: int, *, leaves=LEAVES, signer=LOG) -> Checkpoint:
    return Checkpoint.sign(signer, size=size, root=root_of(leaves[:size]))


def prove(old: int, new: int, *, leaves=LEAVES) -> tuple[bytes, ...]:
    return consistency_proof(old, new, range_hash_of(leaves))


def add(old: int, new: int, *, leaves=LEAVES, signer=LOG) -> bytes:
    proof = prove(old, new, leaves=leaves) if 0 < old < new else ()
    note = checkpoint(new, leaves=leaves, signer=signer).note
    return AddCheckpoint(old=old, proof=proof, note=note).encode()


def make_witness(store: SimStore | None = None) -> Witness:
    return Witness(store=store or SimStore(), cosigners=COSIGNERS, logs=[KnownLog.parse(LOG.vkey)])


@pytest.fixture
def witness() -> Witness:
    return make_witness()


def signatures_of(answer: Answer, size: int, *, leaves=LEAVES):
    assert answer.status == 200, answer
    note = checkpoint(size, leaves=leaves).note + answer.body
    return Checkpoint.open(note, LOG.verifier).cosignatures(KEYS)


def test_what_continues_all_it_saw_is_cosigned_with_every_key_and_the_time(witness) -> None:
    for old, new in [(0, 0), (0, 5), (5, 5), (5, 6), (6, 40)]:
        found = signatures_of(witness.add_checkpoint(add(old, new)), new)
        assert [(each.witness, each.time) for each in found] == [
            ("witness.example/w1", 1_800_000_000)
        ] * 2


def test_a_forked_checkpoint_is_never_cosigned(witness) -> None:
    assert witness.add_checkpoint(add(0, 20)).status == 200
    # The same size under another root, the proof of the fork itself, and no proof at all.
    assert witness.add_checkpoint(add(20, 20, leaves=FORK)).status == 422
    assert witness.add_checkpoint(add(20, 30, leaves=FORK)).status == 422
    bare = AddCheckpoint(old=20, proof=(), note=checkpoint(30, leaves=FORK).note)
    assert witness.add_checkpoint(bare.encode()).status == 422
    # From another size than the witness knows, it is not even looked at.
    assert witness.add_checkpoint(add(0, 30, leaves=FORK)).status == 409
    assert witness.add_checkpoint(add(20, 30)).status == 200


def test_a_rolled_back_checkpoint_is_told_the_size_that_was_cosigned(witness) -> None:
    witness.add_checkpoint(add(0, 20))
    for old, new in [(0, 10), (10, 15), (10, 20), (0, 30)]:
        answer = witness.add_checkpoint(add(old, new))
        assert (answer.status, answer.body) == (409, b"20\n")
        assert answer.content_type == "text/x.tlog.size"
    assert witness.add_checkpoint(add(20, 10)).status == 400


def test_only_known_logs_and_their_own_signatures_count(witness) -> None:
    stranger = LogSigner.from_seed("elsewhere.example/log", bytes(32))
    assert witness.add_checkpoint(add(0, 5, signer=stranger)).status == 404
    assert witness.add_checkpoint(add(0, 5, signer=OTHER)).status == 403
    # One of the log's own key that does not hold spoils the note, whatever stands beside it.
    bad = Note.parse(checkpoint(5).note).signatures[0]
    note = Note.parse(checkpoint(6).note)
    spoilt = Note(text=note.text, signatures=(*note.signatures, bad)).encode()
    body = AddCheckpoint(old=0, proof=(), note=spoilt).encode()
    assert witness.add_checkpoint(body).status == 403


def test_an_empty_tree_has_the_root_of_nothing(witness) -> None:
    odd = Checkpoint.sign(LOG, size=0, root=bytes(32))
    body = AddCheckpoint(old=0, proof=(), note=odd.note).encode()
    assert witness.add_checkpoint(body).status == 422


def test_a_proof_from_nothing_is_empty(witness) -> None:
    body = AddCheckpoint(old=0, proof=(bytes(32),), note=checkpoint(5).note).encode()
    assert witness.add_checkpoint(body).status == 422


def test_monitors_get_the_newest_with_the_log_s_and_the_witness_s_signatures(witness) -> None:
    assert witness.checkpoint(origin_hash(LOG.name)) is None
    witness.add_checkpoint(add(0, 5))
    witness.add_checkpoint(add(5, 9))
    note = witness.checkpoint(origin_hash(LOG.name))
    assert note is not None
    assert Checkpoint.open(note, LOG.verifier).size == 9
    assert len(Checkpoint.open(note, LOG.verifier).cosignatures(KEYS)) == 2
    assert witness.checkpoint("0" * 64) is None


def test_what_was_cosigned_outlives_the_process() -> None:
    store = SimStore()
    make_witness(store).add_checkpoint(add(0, 20))
    again = make_witness(store)
    assert again.add_checkpoint(add(0, 10, leaves=FORK)).status == 409
    assert again.add_checkpoint(add(20, 30)).status == 200


@pytest.mark.parametrize("commit", [True, False])
def test_no_signature_leaves_before_its_tree_is_durable(*, commit: bool) -> None:
    fails = [False]

    def before_write() -> None:
        if fails[0]:
            raise WorldError("the disk is full")

    store = SimStore(before_write=before_write)
    witness = make_witness(store)
    fails[0] = not commit
    if commit:
        assert witness.add_checkpoint(add(0, 20)).status == 200
    else:
        with pytest.raises(WorldError):
            witness.add_checkpoint(add(0, 20))
    fails[0] = False
    # After the failure nothing was signed, so that a fork of it may still be the one it knows.
    fork = make_witness(store).add_checkpoint(add(0, 20, leaves=FORK))
    assert fork.status == (409 if commit else 200)


def test_requests_that_race_do_not_roll_the_record_back() -> None:
    witness = make_witness()
    witness.add_checkpoint(add(0, 1))
    answers: list[int] = []
    bodies = [add(1, size) for size in range(2, 14)]
    threads = [
        threading.Thread(target=lambda body=body: answers.append(_status(witness, body)))
        for body in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * (len(bodies) - 1)


def _status(witness: Witness, body: bytes) -> int:
    return witness.add_checkpoint(body).status


steps = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()), max_size=25)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_all_that_one_witness_cosigns_is_of_one_tree(asked) -> None:
    witness = make_witness()
    known, cosigned = 0, []
    for old, new, is_fork in asked:
        leaves = FORK if is_fork else LEAVES
        if old > new:
            continue
        answer = witness.add_checkpoint(add(old, new, leaves=leaves))
        if answer.status == 200:
            assert old == known
            known = new
            cosigned.append((new, leaves))
    for (small, one), (large, other) in zip(cosigned, cosigned[1:], strict=False):
        assert small <= large
        assert root_of(one[:small]) == root_of(other[:small])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.builds(lambda text: b"old " + text.encode(), st.text()))
def test_rubbish_is_refused_and_signs_nothing(body: bytes) -> None:
    answer = make_witness().add_checkpoint(body)
    assert answer.status in (400, 403, 404)


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.binary(max_size=60),
)
def test_a_request_is_read_as_it_was_written(old: int, proof: list[bytes], note: bytes) -> None:
    asked = AddCheckpoint(old=old, proof=tuple(proof), note=note)
    assert AddCheckpoint.parse(asked.encode()) == asked


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 5",
        b"old -1\n\nnote",
        b"old 05\n\nnote",
        b"old 5 \n\nnote",
        b"5\n\nnote",
        b"old 9223372036854775808\n\nnote",
        b"old 5\nAAAA\n\nnote",
        b"old 5\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + b"\nnote",
        b"old 5\xff\n\nnote",
    ],
)
def test_a_malformed_request_is_refused(body: bytes) -> None:
    with pytest.raises(ProofError):
        AddCheckpoint.parse(body)
    assert make_witness().add_checkpoint(body).status == 400


# -- the log's side ---------------------------------------------------------------------------------


def converse(witness: Witness, submission: Submission, *, asks: int = 3) -> int:
    """How many requests it took."""
    for count in range(1, asks + 1):
        answer = witness.add_checkpoint(submission.request(prove))
        if submission.take(answer):
            return count
    raise AssertionError("it goes on asking")


def test_a_log_that_knows_nothing_of_the_witness_asks_twice_at_most(witness) -> None:
    assert converse(witness, Submission(checkpoint(5), KEYS, known=0)) == 1
    assert converse(witness, Submission(checkpoint(9), KEYS, known=0)) == 2
    known = Submission(checkpoint(20), KEYS, known=9)
    assert converse(witness, known) == 1
    assert known.known == 20


def test_a_witness_that_always_says_409_is_asked_twice_and_no_more() -> None:
    submission = Submission(checkpoint(20), KEYS, known=0)
    submission.request(prove)
    assert submission.take(conflict(5)) == ()
    submission.request(prove)
    with pytest.raises(WitnessError, match="refuses what continues"):
        submission.take(conflict(6))
    same = Submission(checkpoint(20), KEYS, known=5)
    with pytest.raises(WitnessError, match="refuses what continues"):
        same.take(conflict(5))


def conflict(size: int) -> Answer:
    return Answer(status=409, content_type="text/x.tlog.size", body=b"%d\n" % size)


def test_a_witness_that_is_ahead_of_the_log_shows_a_roll_back() -> None:
    submission = Submission(checkpoint(20), KEYS, known=0)
    submission.take(conflict(30))
    with pytest.raises(WitnessError, match="cosigned 30 entries, this checkpoint has 20"):
        submission.request(prove)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=409, content_type="text/plain", body=b"5\n"),
        Answer(status=409, content_type="text/x.tlog.size", body=b"5"),
        Answer(status=409, content_type="text/x.tlog.size", body=b"-5\n"),
        Answer(status=200, content_type="text/plain", body=b""),
        Answer(status=200, content_type="text/plain", body=b"rubbish\n"),
        Answer(status=200, content_type="text/plain", body=b"\xff\n"),
        Answer(status=422, content_type="text/plain", body=b"no\n"),
        Answer(status=500, content_type="text/plain", body=b""),
    ],
)
def test_an_answer_that_is_no_cosignature_is_refused(answer: Answer) -> None:
    with pytest.raises(WitnessError):
        Submission(checkpoint(20), KEYS, known=0).take(answer)


def test_a_cosignature_over_another_tree_or_without_time_is_refused(witness) -> None:
    other = witness.add_checkpoint(add(0, 5))
    with pytest.raises(WitnessError, match="does not hold"):
        Submission(checkpoint(6), KEYS, known=0).take(other)
    timeless = Cosigner.mldsa44("witness.example/w1", b"\x08" * 32, now=lambda: Instant(0))
    line = timeless.cosign(Note.parse(checkpoint(6).note).text).line.encode()
    answer = Answer(status=200, content_type="text/plain", body=line)
    with pytest.raises(WitnessError, match="does not say when"):
        Submission(checkpoint(6), KEYS, known=0).take(answer)


def test_cosignatures_of_strangers_are_passed_over(witness) -> None:
    answer = witness.add_checkpoint(add(0, 5))
    stranger = Cosigner.ed25519("stranger.example", b"\x09" * 32, now=lambda: NOW)
    line = stranger.cosign(Note.parse(checkpoint(5).note).text).line.encode()
    both = Answer(status=200, content_type="", body=line + answer.body)
    found = Submission(checkpoint(5), KEYS, known=0).take(both)
    assert {each.name for each in found} == {"witness.example/w1"}
    only = Answer(status=200, content_type="", body=line)
    with pytest.raises(WitnessError, match="without a cosignature"):
        Submission(checkpoint(5), KEYS, known=0).take(only)


def test_keys_of_two_logs_are_not_one_log() -> None:
    stranger = LogSigner.from_seed("elsewhere.example/log", bytes(32))
    with pytest.raises(NoteError):
        KnownLog.parse(f"{LOG.vkey}\n{stranger.vkey}")
    with pytest.raises(NoteError):
        KnownLog.parse("")
