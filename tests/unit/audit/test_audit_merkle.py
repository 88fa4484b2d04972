import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.audit import (
    ProofError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_hash_of,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(b"%d" % number) for number in range(130)]


def mth(leaves: list[bytes]) -> bytes:
    """RFC 9162's definition, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(mth(leaves[:split]), mth(leaves[split:]))


@given(st.integers(0, 130))
def test_the_root_is_the_definition_of_rfc_9162(size: int) -> None:
    assert root_of(LEAVES[:size]) == mth(LEAVES[:size])


@given(st.data())
def test_every_entry_of_every_tree_has_an_inclusion_proof_that_verifies(data) -> None:
    size = data.draw(st.integers(1, 130))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, range_hash_of(LEAVES))
    root = mth(LEAVES[:size])
    verify_inclusion(LEAVES[index], index=index, size=size, proof=proof, root=root)


@given(st.data())
def test_an_inclusion_proof_proves_nothing_else(data) -> None:
    size = data.draw(st.integers(2, 130))
    index, other = data.draw(
        st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True)
    )
    proof = inclusion_proof(index, size, range_hash_of(LEAVES))
    root = mth(LEAVES[:size])
    wrong = [
        {"leaf": LEAVES[other], "index": index, "size": size, "proof": proof, "root": root},
        {"leaf": LEAVES[index], "index": other, "size": size, "proof": proof, "root": root},
        {"leaf": LEAVES[index], "index": index, "size": size, "proof": proof[:-1], "root": root},
        {
            "leaf": LEAVES[index],
            "index": index,
            "size": size,
            "proof": (*proof, root),
            "root": root,
        },
        {"leaf": LEAVES[index], "index": size, "size": size, "proof": proof, "root": root},
        {"leaf": LEAVES[index], "index": -1, "size": size, "proof": proof, "root": root},
        {"leaf": LEAVES[index], "index": index, "size": size, "proof": proof, "root": root[:31]},
    ]
    for case in wrong:
        with pytest.raises(ProofError):
            verify_inclusion(case.pop("leaf"), **case)


@given(st.data())
def test_every_tree_is_consistent_with_its_past_and_with_no_other(data) -> None:
    new = data.draw(st.integers(0, 130))
    old = data.draw(st.integers(0, new))
    proof = consistency_proof(old, new, range_hash_of(LEAVES))
    roots = {"old_root": mth(LEAVES[:old]), "new_root": mth(LEAVES[:new])}
    verify_consistency(old=old, new=new, proof=proof, **roots)
    other = leaf_hash(b"another history")
    for name in ["old_root"] if old == 0 < new else roots:  # every tree continues the empty one
        with pytest.raises(ProofError):
            verify_consistency(old=old, new=new, proof=proof, **roots | {name: other})
    with pytest.raises(ProofError):
        verify_consistency(old=old, new=new, proof=(*proof, other), **roots)


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3)])
def test_a_tree_has_no_past_larger_than_itself(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        consistency_proof(old, new, range_hash_of(LEAVES))
    with pytest.raises(ProofError):
        verify_consistency(old=old, new=new, old_root=LEAVES[0], new_root=LEAVES[1], proof=())


def test_no_inclusion_proof_is_made_for_an_entry_outside_the_tree() -> None:
    for index in (-1, 5):
        with pytest.raises(ProofError):
            inclusion_proof(index, 5, range_hash_of(LEAVES))
