"""Published vectors: those short enough to quote here, and whole sets where they are at hand.

SOURCES.md says where each comes from.
"""

import base64
import json

import pytest
from published import published

from holdfast.audit import (
    Checkpoint,
    LogSigner,
    NoteError,
    Proof,
    ProofError,
    Verifier,
    consistency_proof,
    leaf_hash,
    range_hash_of,
    root_of,
    verify_consistency,
    verify_inclusion,
    verify_log,
)
from holdfast.world.sim import SimEntropy
from holdfast.world.sim.blobs import SimBlobs
from holdfast.world.sim.journals import SimJournals

LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)


@pytest.mark.parametrize("size", range(9))
def test_the_roots_of_the_reference_tree_of_certificate_transparency(size: int) -> None:
    assert root_of([leaf_hash(leaf) for leaf in LEAVES[:size]]).hex() == ROOTS[size]


def test_the_consistency_proofs_of_the_reference_tree_hold() -> None:
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    for new in range(9):
        for old in range(new + 1):
            verify_consistency(
                old=old,
                new=new,
                old_root=bytes.fromhex(ROOTS[old]),
                new_root=bytes.fromhex(ROOTS[new]),
                proof=consistency_proof(old, new, range_hash_of(leaves)),
            )


def test_the_note_of_the_go_checksum_database_s_documentation_is_signed_and_opened_alike() -> None:
    note = f"{PETER_TEXT}\n{PETER_LINE}".encode()
    signer = LogSigner.from_seed("PeterNeumann", base64.b64decode(PETER_SECRET)[1:])
    assert signer.vkey == PETER
    assert signer.sign(PETER_TEXT) == note
    assert Verifier.parse(PETER).open(note) == PETER_TEXT


ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33"
    "WWd1RvMc+QQ=\n"
)


def test_a_note_of_two_signers_opens_for_each_of_them() -> None:
    note = f"{PETER_TEXT}\n{PETER_LINE}{ENOCH_LINE}".encode()
    for vkey in (PETER, ENOCH):
        assert Verifier.parse(vkey).open(note) == PETER_TEXT
    # Twice the same signature is no more than once; an unknown one beside them is passed over.
    odd = ENOCH_LINE[:60] + "ABCD" + ENOCH_LINE[60:]
    many = f"{PETER_TEXT}\n{PETER_LINE * 2}{ENOCH_LINE * 2}{odd}".encode()
    assert Verifier.parse(PETER).open(many) == PETER_TEXT
    with pytest.raises(NoteError, match="does not hold"):
        Verifier.parse(ENOCH).open(many)


@pytest.mark.parametrize(
    "note",
    [
        PETER_TEXT,
        PETER_TEXT + "\n",
        PETER_TEXT + "\n" + PETER_LINE[:-1],
        "\x01" + PETER_TEXT + "\n" + PETER_LINE,
        PETER_TEXT + "\n— Bad Name x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUg=",
        PETER_TEXT + "\n" + PETER_LINE + "Unexpected line.\n",
        PETER_TEXT + "\n" + PETER_LINE * 101,
        PETER_TEXT + "\n" + PETER_LINE[:60] + "ABCD" + PETER_LINE[60:],
        PETER_TEXT + "\n" + PETER_LINE.replace("PeterNeumann", "CarmenSandiego"),
        PETER_TEXT + "\n" + PETER_LINE.replace("x08g", "xxxx"),
    ],
)
def test_a_note_that_the_go_checksum_database_refuses_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        Verifier.parse(PETER).open(note.encode())
    with pytest.raises(NoteError):
        Verifier.parse(PETER).open(b"\xff" + note.encode())


def test_every_mangling_of_a_verifier_key_is_refused() -> None:
    for start in range(len(PETER) + 1):
        for end in range(start + 1, len(PETER) + 1):
            if end - start < len(PETER):
                with pytest.raises(NoteError):
                    Verifier.parse(PETER[start:end])
    for key in (  # a key of another length, and of an unknown kind, each with a fitting id
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ):
        with pytest.raises(NoteError):
            Verifier.parse(key)


@pytest.mark.parametrize(
    "text",
    [
        "wrong-header\nindex 0\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex -5\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 05\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + base64.b64encode(bytes(64)).decode() + "\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + "a" * 65 * 1024 + "\n",
    ],
)
def test_a_malformed_tlog_proof_is_refused(text: str) -> None:
    with pytest.raises(ProofError):
        Proof.parse(text)


@pytest.mark.parametrize("extra", [None, b"extra information"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_tlog_proof_has_the_lines_of_the_specification(count: int, extra: bytes | None) -> None:
    hashes = tuple(leaf_hash(bytes([number])) for number in range(count))
    proof = Proof(index=5, hashes=hashes, checkpoint=b"test checkpoint\n", extra=extra)
    lines = [base64.b64encode(each).decode() + "\n" for each in hashes]
    said = f"extra {base64.b64encode(extra).decode()}\n" if extra else ""
    text = f"c2sp.org/tlog-proof@v1\n{said}index 5\n{''.join(lines)}\ntest checkpoint\n"
    assert proof.text() == text
    assert Proof.parse(text) == proof


@pytest.fixture(scope="module")
def whole_sets() -> dict:
    return json.loads(published("audit/merkle_and_tessera.json").read_text())


def decoded(case: dict, *names: str) -> list[bytes]:
    return [base64.b64decode(case[name] or "") for name in names]


def test_the_published_inclusion_proofs_hold_or_fail_as_they_should(whole_sets: dict) -> None:
    for name, case in whole_sets["merkle"]["inclusion"].items():
        root, leaf = decoded(case, "root", "leafHash")
        proof = [base64.b64decode(each) for each in case["proof"] or ()]
        verdict = _verdict(
            verify_inclusion,
            leaf,
            index=case["leafIdx"],
            size=case["treeSize"],
            proof=proof,
            root=root,
        )
        assert verdict == case["wantErr"], name


def test_the_published_consistency_proofs_hold_or_fail_as_they_should(whole_sets: dict) -> None:
    differing = []
    for name, case in whole_sets["merkle"]["consistency"].items():
        old_root, new_root = decoded(case, "root1", "root2")
        proof = [base64.b64decode(each) for each in case["proof"] or ()]
        verdict = _verdict(
            verify_consistency,
            old=case["size1"],
            new=case["size2"],
            old_root=old_root,
            new_root=new_root,
            proof=proof,
        )
        if verdict != case["wantErr"]:
            differing.append(name)
    # The one where we differ has roots of 11 bytes, which we refuse: a SHA-256 root has 32.
    assert differing == ["consistency/additional/sizes-are-equal-one-and-proof-is-empty.json"]


def _verdict(check, *args, **kwargs) -> bool:
    """Whether the check refuses."""
    try:
        check(*args, **kwargs)
    except ProofError:
        return True
    return False


TESSERA = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


def test_a_log_that_tessera_wrote_verifies_at_every_size_and_grows_consistently(
    whole_sets: dict,
) -> None:
    files = {name: base64.b64decode(data) for name, data in whole_sets["tessera"].items()}
    blobs = SimBlobs()
    for name, data in files.items():
        blobs.put(name, data)
    leaves = [leaf_hash(entry) for entry in _entries(files["tile/entries/000.p/15"])]
    old = None
    for size in range(16):
        blobs.put("checkpoint", files[f"checkpoint.{size}"])
        checked = verify_log(blobs, SimJournals(SimEntropy(1)), TESSERA)
        assert checked.problems == ()
        assert checked.size == size
        new = Checkpoint.open(files[f"checkpoint.{size}"], Verifier.parse(TESSERA))
        if old is not None:
            verify_consistency(
                old=old.size,
                new=new.size,
                old_root=old.root,
                new_root=new.root,
                proof=consistency_proof(old.size, new.size, range_hash_of(leaves)),
            )
        old = new


def _entries(data: bytes) -> list[bytes]:
    entries = []
    while data:
        size = int.from_bytes(data[:2], "big")
        entries.append(data[2 : 2 + size])
        data = data[2 + size :]
    return entries
