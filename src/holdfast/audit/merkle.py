"""The Merkle tree of RFC 9162, section 2.1: hashes, roots, and both kinds of proof.

Proof makers take ``range_hash(start, end)``, the tree hash of entries ``start`` to ``end`` - 1, so
that the same code serves lists in memory and tiles on disk.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeAlias

from holdfast.audit.errors import ProofError

HASH_BYTES = 32
RangeHash: TypeAlias = Callable[[int, int], bytes]

_LEAF = b"\x00"
_NODE = b"\x01"
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """RFC 9162, 2.1.1: SHA-256(0x00 || entry)."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 9162, 2.1.1: SHA-256(0x01 || left || right)."""
    return sha256(_NODE + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The tree hash over node hashes of one height, the last of which may be of a smaller tree.

    Pairs are combined level by level and an odd last one is carried up, which is RFC 9162's split
    at the largest power of two read from the leaves.
    """
    if not hashes:
        return EMPTY_ROOT
    level = hashes
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [sha256(_NODE + left + right).digest() for left, right in pairs]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def range_hash_of(leaves: Sequence[bytes]) -> RangeHash:
    """``range_hash`` over leaf hashes held in memory."""
    return lambda start, end: root_of(leaves[start:end])


def inclusion_proof(index: int, size: int, range_hash: RangeHash) -> tuple[bytes, ...]:
    """RFC 9162, 2.1.3.1: PATH(index, D[0:size]), from the leaf's sibling up."""
    if not 0 <= index < size:
        raise ProofError(
            f"entry {index} is not in a tree of {size} entries", fix="ask for a smaller index"
        )
    return _path(index, 0, size, range_hash)


def _path(index: int, start: int, end: int, range_hash: RangeHash) -> tuple[bytes, ...]:
    path: list[bytes] = []
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            path.append(range_hash(split, end))
            end = split
        else:
            path.append(range_hash(start, split))
            start = split
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, range_hash: RangeHash) -> tuple[bytes, ...]:
    """RFC 9162, 2.1.4.1: PROOF(old, D[0:new]). Empty when ``old`` is 0 or equals ``new``."""
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} entries has no past of {old}", fix="swap the sizes")
    if old in (0, new):
        return ()
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        split = start + _split(end - start)
        if old <= split:
            path.append(range_hash(split, end))
            end = split
        else:
            path.append(range_hash(start, split))
            start, whole = split, False
    if not whole:
        path.append(range_hash(start, end))
    return tuple(reversed(path))


def _split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    return 1 << (size - 1).bit_length() - 1


def verify_inclusion(
    leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """``ProofError`` unless ``proof`` shows ``leaf`` at ``index`` of the tree ``root``."""
    if root_from_inclusion(leaf, index=index, size=size, proof=proof) != root:
        raise ProofError(
            f"the inclusion proof for entry {index} leads to another root",
            fix="the entry, the proof or the checkpoint was altered: trust none of the three",
        )


def root_from_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2, steps 1 to 4; the numbers below are its own."""
    if not 0 <= index < size:  # 1
        raise ProofError(f"entry {index} is not in a tree of {size} entries", fix="check the index")
    _check_hashes([leaf, *proof])
    fn, sn, r = index, size - 1, leaf  # 2, 3
    for p in proof:  # 4
        if sn == 0:  # 4a
            raise ProofError("the inclusion proof is too long", fix="check tree size and proof")
        if fn & 1 or fn == sn:  # 4b
            r = node_hash(p, r)
            fn, sn = _skip_zeros(fn, sn)
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1  # 4c
    if sn != 0:  # 5
        raise ProofError("the inclusion proof is too short", fix="check tree size and proof")
    return r


def verify_consistency(
    *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """RFC 9162, 2.1.4.2: ``ProofError`` unless the new tree begins with the whole old tree."""
    _check_hashes([old_root, new_root, *proof])
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} entries has no past of {old}", fix="swap the sizes")
    if old in (0, new):
        # No path is needed: every tree continues the empty one, and a tree continues itself.
        if proof or (old == 0 and old_root != EMPTY_ROOT) or (old == new and old_root != new_root):
            raise ProofError("equal trees differ, or need no proof", fix="compare the roots")
        return
    path = list(proof)
    if old & (old - 1) == 0:  # 1: the old tree is itself the first node of the path
        path.insert(0, old_root)
    if not path:
        raise ProofError("the consistency proof is too short", fix="check both sizes")
    fn, sn = old - 1, new - 1  # 2
    while fn & 1:  # 3
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]  # 4
    for c in path[1:]:  # 5
        if sn == 0:  # 5a
            raise ProofError("the consistency proof is too long", fix="check both sizes")
        if fn & 1 or fn == sn:  # 5b
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            fn, sn = _skip_zeros(fn, sn)
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1  # 5c
    if sn != 0 or fr != old_root or sr != new_root:  # 6
        raise ProofError(
            f"the tree of {new} entries does not continue the tree of {old}",
            fix="the log was forked or altered: keep both checkpoints as evidence",
        )


def _skip_zeros(fn: int, sn: int) -> tuple[int, int]:
    """Step 4b or 5b: shift both until the lowest bit of ``fn`` is set or ``fn`` is 0."""
    while fn and not fn & 1:
        fn, sn = fn >> 1, sn >> 1
    return fn, sn


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofError("a hash is not 32 bytes long", fix="check the proof's encoding")
