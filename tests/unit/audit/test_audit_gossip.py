"""What clients were shown, laid side by side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.audit import (
    Checkpoint,
    Cosigner,
    GossipError,
    LogSigner,
    NoteError,
    compare,
    consistency_proof,
    field_value,
    leaf_hash,
    range_hash_of,
    read_field,
    read_heads,
    root_of,
)
from holdfast.core import Instant

NAME = "holdfast.example/log"
SIGNER = LogSigner.from_seed(
    NAME, bytes(32), cosigner=Cosigner.mldsa44(NAME, bytes(32), now=lambda: Instant(10**15))
)
OTHER = LogSigner.from_seed(NAME, bytes(31) + b"\x01")
LEAVES = [leaf_hash(b"entry %d" % number) for number in range(40)]
FORK = [*LEAVES[:7], leaf_hash(b"another"), *LEAVES[8:]]


def head(size: int, *, leaves=LEAVES, signer=SIGNER) -> Checkpoint:
    return Checkpoint.sign(signer, size=size, root=root_of(leaves[:size]))


def prove(old: int, new: int, *, leaves=LEAVES) -> tuple[bytes, ...]:
    return consistency_proof(old, new, range_hash_of(leaves))


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_field_is_the_whole_checkpoint_for_whoever_has_the_key(size: int, root: bytes) -> None:
    value = field_value(Checkpoint.sign(OTHER, size=size, root=root))
    found = read_field(value, OTHER.verifier)
    assert (found.origin, found.size, found.root) == (NAME, size, root)
    assert found.note == Checkpoint.sign(OTHER, size=size, root=root).note
    assert len(value) < 200
    assert value.isascii()


def test_a_field_that_another_key_signed_or_that_was_altered_is_refused() -> None:
    value = field_value(head(9))
    with pytest.raises(NoteError):
        read_field(value, OTHER.verifier)
    with pytest.raises(NoteError):
        read_field(value, SIGNER.verifiers[1])
    for wrong in (value.replace("size=9", "size=8"), value.replace("size=9", "size=09"), "", "x=1"):
        with pytest.raises(NoteError):
            read_field(wrong, SIGNER.verifier)


def test_heads_are_found_among_whatever_a_client_kept() -> None:
    log = (
        "< HTTP/1.1 200 OK\r\n< Holdfast-Checkpoint: "
        + field_value(head(5))
        + "\r\n\r\n{}\n"
        + '{"headers": {"holdfast-checkpoint": "'
        + field_value(head(9))
        + '"}}\n\n'
        + head(12).note.decode()
        + "\nc2sp.org/tlog-proof@v1\nindex 3\n\n"
        + head(20).note.decode()
        + "forged: "
        + field_value(head(30, signer=OTHER))
    )
    found = read_heads(log, SIGNER.verifier)
    assert sorted(each.size for each in found) == [5, 9, 12, 20]
    with pytest.raises(GossipError):
        read_heads("nothing of it", SIGNER.verifier)
    with pytest.raises(GossipError):
        read_heads(field_value(head(30, signer=OTHER)), SIGNER.verifier)


def test_two_heads_of_one_size_and_two_roots_are_a_split_view_signed_by_the_log() -> None:
    (view,) = compare([head(20), head(5), head(20, leaves=FORK), head(20)])
    assert view.why == "two roots over the same 20 entries"
    assert {view.one.root, view.other.root} == {root_of(LEAVES[:20]), root_of(FORK[:20])}
    for each in (view.one, view.other):
        assert Checkpoint.open(each.note, SIGNER.verifier).size == 20
    assert compare([head(20), head(5), head(20), head(7, leaves=FORK)]) == ()


def test_heads_of_different_sizes_are_held_against_the_log() -> None:
    heads = [head(5), head(20), head(30)]
    assert compare(heads, newest=head(40), prove=prove) == ()
    forked = [*heads, head(25, leaves=FORK)]
    (view,) = compare(forked, newest=head(40), prove=prove)
    assert view.other.size == 25
    assert "cannot show that it continues the head of 25" in view.why


def test_a_log_that_is_smaller_than_it_was_is_a_roll_back() -> None:
    (view,) = compare([head(5), head(30)], newest=head(20), prove=prove)
    assert view.why == "the log has 20 entries now, and had 30: it was rolled back"
    assert (view.one.size, view.other.size) == (20, 30)


def test_proofs_of_another_tree_hide_no_fork() -> None:
    fork = head(25, leaves=FORK)
    (view,) = compare([fork], newest=head(40), prove=lambda o, n: prove(o, n, leaves=FORK))
    assert view.other == fork
