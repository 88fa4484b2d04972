"""Cosignatures, verifier keys and checkpoints as transparency-dev/formats has them."""

import base64
import json

import pytest
from published import published

from holdfast.audit import Checkpoint, Cosigner, LogSigner, NoteError, Signature, Trust, Verifier
from holdfast.audit.keys import split_time
from holdfast.core import Instant

VECTORS = json.loads(published("audit/formats_notes.json").read_text())
TEXT = "test\n123\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n"
AT = Instant(1_727_964_367_000_000)


def seed_of(skey: str) -> bytes:
    return base64.b64decode(skey.split("+", 4)[4])[1:]


@pytest.mark.parametrize("case", VECTORS["cosigner_keys"], ids=lambda case: case["name"])
def test_cosigner_keys_are_read_or_refused(case: dict) -> None:
    if case["refused"]:
        with pytest.raises(NoteError):
            Verifier.parse(case["vkey"])
    else:
        vkey = case["vkey"].replace("test+5893dc2c", "test+31236897")  # see SOURCES.md
        assert Verifier.parse(vkey).vkey == vkey


def test_a_verifier_key_whose_id_is_not_that_of_its_key_is_refused() -> None:
    (vkey,) = [each["vkey"] for each in VECTORS["cosigner_keys"] if "5893dc2c" in each["vkey"]]
    with pytest.raises(NoteError, match="its id does not fit"):
        Verifier.parse(vkey)


@pytest.mark.parametrize("case", VECTORS["timestamps"], ids=lambda case: case["name"])
def test_a_cosignature_says_when_it_was_made(case: dict) -> None:
    if case["name"] == "gibberish":
        with pytest.raises(NoteError):
            Signature.parse(f"— someone {case['signature']}")
        return
    time, signature = split_time(Signature.parse(f"— someone {case['signature']}").value)
    # Which kind a signature is, its key says: 64 bytes follow the time, or it is another kind.
    assert (time == case["time"]) == (case["time"] is not None)
    assert (len(signature) == 64) == (case["time"] is not None)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_published_witness_keys_are_those_of_their_seeds(number: int) -> None:
    keys = VECTORS["witness_keys"]
    vkey = Verifier.parse(keys[f"wit{number}_vkey"])
    signer = LogSigner.from_seed(vkey.name, seed_of(keys[f"wit{number}_skey"]))
    assert signer.verifier == vkey
    cosigner = Cosigner.ed25519(vkey.name, seed_of(keys[f"wit{number}_skey"]), now=lambda: AT)
    assert cosigner.verifier.public_key == vkey.public_key
    assert cosigner.verifier.key_id != vkey.key_id


def test_a_cosignature_is_no_plain_signature_of_the_same_key() -> None:
    seed = seed_of(VECTORS["witness_keys"]["wit1_skey"])
    plain = LogSigner.from_seed("Wit1", seed)
    cosigner = Cosigner.ed25519("Wit1", seed, now=lambda: AT)
    note = f"{TEXT}\n{cosigner.cosign(TEXT).line}".encode()
    assert cosigner.verifier.open(note) == TEXT
    with pytest.raises(NoteError):
        plain.verifier.open(note)


def test_a_checkpoint_of_the_go_checksum_database_opens_under_many_signatures() -> None:
    sample = VECTORS["signatures"]
    lines = [sample["own"], *sample["lines"]]
    note = (sample["text"] + "\n" + "".join(line + "\n" for line in lines)).encode()
    own = Verifier.parse(sample["own_vkey"])
    opened = Checkpoint.open(note, own, origin="go.sum database tree")
    assert opened.size == 6_476_701
    with pytest.raises(NoteError):
        Checkpoint.open(note, own, origin="Go rocks but I might have the wrong ID")
    with pytest.raises(NoteError):
        Checkpoint.open(note, own)
    for vkey in sample["vkeys"]:
        assert Verifier.parse(vkey).open(note) == sample["text"]


@pytest.mark.parametrize(
    ("signers", "opens"),
    [
        ((), False),
        (("log",), True),
        (("log", "known1"), True),
        (("log", "known1", "unknown"), True),
        (("known2", "log", "known1"), True),
        (("known1", "known2"), False),
    ],
)
def test_a_checkpoint_needs_the_log_s_signature_and_any_others_may_stand_beside(
    signers: tuple[str, ...], *, opens: bool
) -> None:
    keys = VECTORS["log_keys"]
    text = "Log\n42\n" + base64.b64encode(bytes(32)).decode() + "\n"
    lines = []
    for name in signers:
        verifier = Verifier.parse(keys[f"{name}VK"])
        signer = LogSigner.from_seed(verifier.name, seed_of(keys[f"{name}SK"]))
        lines.append(signer.sign(text).decode().partition("\n\n")[2])
    note = (text + "\n" + "".join(lines)).encode()
    if opens:
        assert Trust.parse(keys["logVK"]).open(note).size == 42
    else:
        with pytest.raises(NoteError):
            Trust.parse(keys["logVK"]).open(note)
