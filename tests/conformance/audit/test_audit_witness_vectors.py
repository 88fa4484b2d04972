"""The witness answers what torchwood's litewitness is tested to answer."""

import json

import pytest
from published import published

from holdfast.audit import Cosigner, KnownLog, Note, Verifier, Witness
from holdfast.audit.keys import ED25519
from holdfast.core import Instant
from holdfast.world.sim import SimStore

VECTORS = json.loads(published("audit/torchwood_witness.json").read_text())

NOW_REQUIRED = {"unknown log": 404}
"""Where the specification has since settled on another status than the test case's own."""


@pytest.fixture
def cosigner() -> Cosigner:
    seed = bytes.fromhex(VECTORS["witness"]["seed"])
    made = Cosigner.ed25519(
        VECTORS["witness"]["name"], seed, now=lambda: Instant(1_700_000_000_000_000)
    )
    assert made.verifier.public_key.hex() == VECTORS["witness"]["public"]
    return made


def known_log(sample: dict) -> KnownLog:
    if "vkey" in sample:
        return KnownLog(origin=sample["origin"], keys=(Verifier.parse(sample["vkey"]),))
    key = Verifier.of(sample["origin"], bytes.fromhex(sample["key"]), kind=ED25519)
    return KnownLog(origin=sample["origin"], keys=(key,))


@pytest.mark.parametrize("name", ["litewitness", "sumdb"])
def test_the_witness_answers_each_request_in_turn_as_published(name: str, cosigner) -> None:
    sample = VECTORS[name]
    witness = Witness(store=SimStore(), cosigners=[cosigner], logs=[known_log(sample)])
    for case in sample["cases"]:
        answer = witness.add_checkpoint(case["body"].encode())
        assert answer.status == NOW_REQUIRED.get(case["said"], case["status"]), case
        if answer.status == 200:
            text = case["body"].partition("\n\n")[2].partition("\n\n")[0] + "\n"
            note = Note.parse(f"{text}\n".encode() + answer.body)
            assert note.signatures[0].line.startswith(case["said"])
            assert cosigner.verifier.check(note) is not None
        elif answer.status == 409:
            assert answer.body.decode() == case["said"]
            assert answer.content_type == "text/x.tlog.size"
