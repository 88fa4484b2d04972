"""COSE receipts: what we make, SCITT's own verifier accepts; what we accept is exactly that."""

import cbor2
import pytest
import scitt_cose
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.audit import (
    LogSigner,
    ProofError,
    Receipt,
    ReceiptError,
    inclusion_proof,
    leaf_hash,
    make_receipt,
    range_hash_of,
    root_of,
    verify_receipt,
)

SIGNER = LogSigner.from_seed("holdfast.example/log", bytes(range(32)))
OTHER = LogSigner.from_seed("holdfast.example/log", bytes(32))
ENTRIES = [b'{"call":"call-%d"}' % number for number in range(70)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def receipt(index: int, size: int) -> bytes:
    hashes = inclusion_proof(index, size, range_hash_of(LEAVES))
    return make_receipt(SIGNER, ENTRIES[index], index=index, size=size, hashes=hashes)


def pem(signer: LogSigner) -> bytes:
    key = Ed25519PublicKey.from_public_bytes(signer.verifier.public_key)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
@settings(deadline=None, max_examples=60)
def test_the_independent_verifier_accepts_every_receipt_for_its_entry_only(place) -> None:
    index, size = place
    data = receipt(index, size)
    found = scitt_cose.verify_receipt(
        data, leaf_entry_hex=ENTRIES[index].hex(), log_public_key_pem=pem(SIGNER)
    )
    assert found.ok, found.errors
    assert (found.tree_size, found.leaf_index) == (size, index)
    assert found.root == root_of(LEAVES[:size]).hex()
    assert (found.issuer, found.subject) == (SIGNER.name, f"{SIGNER.name}/{index}")
    for key, entry in ((pem(OTHER), ENTRIES[index]), (pem(SIGNER), b"another")):
        wrong = scitt_cose.verify_receipt(data, leaf_entry_hex=entry.hex(), log_public_key_pem=key)
        assert not wrong.ok


def test_a_receipt_proves_its_entry_to_us_too() -> None:
    assert verify_receipt(receipt(41, 70), ENTRIES[41], SIGNER.vkey) == Receipt(
        origin=SIGNER.name, index=41, size=70, root=root_of(LEAVES)
    )


def test_we_accept_a_receipt_that_the_independent_implementation_made() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    data = scitt_cose.build_receipt(
        leaf_entry_hex=ENTRIES[7].hex(),
        leaf_index=7,
        tree_entries_hex=[entry.hex() for entry in ENTRIES[:20]],
        alg="EdDSA",
        log_private_key_pem=secret,
        iss=SIGNER.name,
        sub="an entry",
        kid=b"a key",
    )
    assert verify_receipt(data, ENTRIES[7], SIGNER.vkey).root == root_of(LEAVES[:20])


@pytest.mark.parametrize("key", [OTHER.vkey])
def test_another_key_or_another_entry_is_refused(key: str) -> None:
    with pytest.raises(ReceiptError):
        verify_receipt(receipt(3, 9), ENTRIES[3], key)
    with pytest.raises(ReceiptError):
        verify_receipt(receipt(3, 9), ENTRIES[4], SIGNER.vkey)


def test_no_bit_of_a_receipt_can_change_what_it_proves() -> None:
    data = receipt(41, 70)
    sound = verify_receipt(data, ENTRIES[41], SIGNER.vkey)
    passed = []
    for position in range(len(data)):
        altered = bytearray(data)
        altered[position] ^= 1
        try:
            passed.append(verify_receipt(bytes(altered), ENTRIES[41], SIGNER.vkey))
        except ReceiptError:
            continue
    # The root is signed, the size is not (RFC 9942): one that gives the same path may stand there.
    assert [(each.index, each.root) for each in passed] == [(sound.index, sound.root)]


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_rubbish_is_no_receipt(data: bytes) -> None:
    with pytest.raises(ReceiptError):
        verify_receipt(data, ENTRIES[0], SIGNER.vkey)


def altered(change) -> bytes:
    """A receipt with its four parts changed, and encoded again."""
    tag = cbor2.loads(receipt(3, 9))
    parts = list(tag.value)
    change(parts)
    return cbor2.dumps(cbor2.CBORTag(18, parts), canonical=True)


def _payload(parts: list) -> None:
    parts[2] = root_of(LEAVES[:9])


def _two_proofs(parts: list) -> None:
    (proof,) = parts[1][396][-1]
    parts[1] = {396: {-1: [proof, proof]}}


def _no_proof(parts: list) -> None:
    parts[1] = {396: {-1: []}}


def _huge_numbers(parts: list) -> None:
    parts[1] = {396: {-1: [cbor2.dumps([2**64, 3, []])]}}


def _booleans(parts: list) -> None:
    parts[1] = {396: {-1: [cbor2.dumps([True, False, []])]}}


def _attached_map(parts: list) -> None:
    parts[0] = cbor2.dumps({1: -8, 395: 1, 2: [-70000], -70000: 1}, canonical=True)


def _other_algorithm(parts: list) -> None:
    parts[0] = cbor2.dumps({1: -7, 395: 1}, canonical=True)


@pytest.mark.parametrize(
    "change",
    [
        _payload,
        _two_proofs,
        _no_proof,
        _huge_numbers,
        _booleans,
        _attached_map,
        _other_algorithm,
        lambda parts: parts.pop(),
    ],
)
def test_a_receipt_of_another_shape_is_refused(change) -> None:
    with pytest.raises(ReceiptError):
        verify_receipt(altered(change), ENTRIES[3], SIGNER.vkey)


def test_trailing_bytes_and_long_forms_are_refused() -> None:
    for data in (receipt(3, 9) + b"\x00", b"\xd8\x12" + receipt(3, 9)[1:], b"\x00" * 10_000):
        with pytest.raises(ReceiptError):
            verify_receipt(data, ENTRIES[3], SIGNER.vkey)


def test_a_receipt_is_not_made_of_a_proof_that_cannot_be_one() -> None:
    with pytest.raises(ProofError):
        make_receipt(SIGNER, ENTRIES[0], index=0, size=9, hashes=())


def test_nothing_but_a_cose_structure_is_signed_as_one() -> None:
    with pytest.raises(AssertionError):
        SIGNER.sign_cose(b"holdfast.example/log\n1\n")
