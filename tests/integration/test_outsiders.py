"""What an outsider can check: another machine, the log's keys, and no trust in who runs it."""

import hashlib
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scitt_cose
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from live import DEADLINE_S, Home, chat, chat_body, eventually, post

from holdfast.app.datadir import DataDir
from holdfast.app.wiring import log_signer
from holdfast.audit import Checkpoint, Verifier, field_value, read_field
from holdfast.world.real import SystemClock, SystemEntropy

pytestmark = pytest.mark.slow


@pytest.fixture
def witness(home: Home) -> Iterator[dict[str, Any]]:
    """A witness of the log that will run: its keys first, since each must know the other's."""
    folder = home.folder / "witness"
    home.up()
    home.make_keys("desk")
    assert home.instance.stop() == 0
    words = [sys.executable, "-m", "holdfast.cli", "witness", "serve", "--data", str(folder)]
    words += ["--listen", "127.0.0.1:0", "--log", f"@{home.data / 'log.pub'}", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())["ready"]
        yield {**ready, "folder": folder}
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0


def get(url: str) -> tuple[bytes, Any]:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read(), response.headers


def test_witnessed_receipts_and_a_whole_log_are_checked_from_afar(
    home: Home, witness: dict[str, Any], tmp_path: Path
) -> None:
    keys = tmp_path / "witness.keys"
    keys.write_text("\n".join(witness["keys"]))
    home.up("--witness", f"{witness['url']}=@{keys}")
    vkeys = (home.data / "log.pub").read_text().split()
    answers = [chat(home.url, home.keys["desk"], f"question {number}") for number in range(3)]
    log = ["--log", f"{home.instance.console}/log", "--key", f"@{home.data / 'log.pub'}"]

    def is_witnessed() -> bool:
        found = home.run("audit", "verify", *log, "--witness", f"@{keys}", "--json")
        said = found.json()
        return bool(said.get("verified") and said["size"] >= 3)

    eventually(is_witnessed, "the witness has cosigned all")
    receipt = tmp_path / "call.tlog-proof"
    call = answers[0].call
    home.tell("audit", "receipt", call, "-o", str(receipt))
    found = home.run(
        "audit", "verify-receipt", str(receipt), "--key", vkeys[0], "--key", vkeys[1],
        "--witness", f"@{keys}", "--json", check=True,
    ).json()  # fmt: skip
    assert found["verified"]
    assert found["witnesses"] == [Verifier.parse(witness["keys"][0]).name]
    # The witness tells monitors the same tree.
    origin = Verifier.parse(vkeys[0]).name
    named = hashlib.sha256(origin.encode()).hexdigest()
    note, _ = get(f"{witness['url']}/{named}/checkpoint")
    assert Checkpoint.open(note, Verifier.parse(vkeys[0])).size >= 3


def test_a_cose_receipt_is_accepted_by_scitt_s_own_verifier(home: Home, tmp_path: Path) -> None:
    home.up()
    home.make_keys("desk")
    call = chat(home.url, home.keys["desk"]).call
    receipt = tmp_path / "call.cose"
    home.tell("audit", "receipt", call, "--format", "cose", "-o", str(receipt))
    entry = (tmp_path / "call.cose.entry").read_bytes()
    vkey = (home.data / "log.pub").read_text().split()[0]
    key = Ed25519PublicKey.from_public_bytes(Verifier.parse(vkey).public_key)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    found = scitt_cose.verify_receipt(
        receipt.read_bytes(), leaf_entry_hex=entry.hex(), log_public_key_pem=pem
    )
    assert found.ok, found.errors
    checking = ("audit", "verify-receipt", str(receipt), "--key", vkey, "--json")
    checked = home.run(*checking, check=True).json()
    assert (checked["verified"], checked["index"]) == (True, found.leaf_index)
    assert json.loads(entry)["call"] == call
    (tmp_path / "call.cose.entry").write_bytes(entry.replace(b"desk", b"disk"))
    refused = home.run(*checking)
    assert refused.code == 1
    assert refused.json()["error"]["code"] == "audit.receipt-invalid"


def test_every_answer_names_the_newest_checkpoint_and_clients_lay_them_side_by_side(
    home: Home, tmp_path: Path
) -> None:
    home.up("--workers", "2")
    home.make_keys("desk")
    vkey = (home.data / "log.pub").read_text().split()[0]
    kept = tmp_path / "headers"
    seen: list[int] = []

    def has_grown() -> bool:
        bodies = [
            (chat_body(), home.keys["desk"]),
            (chat_body(stream=True), home.keys["desk"]),
            (b"rubbish", home.keys["desk"]),
            (chat_body(), "no-such-key"),
        ]
        for body, key in bodies:
            value = post(home.url, body, key=key).headers["holdfast-checkpoint"]
            seen.append(read_field(value, Verifier.parse(vkey)).size)
            with kept.open("a") as file:
                file.write(f"holdfast-checkpoint: {value}\n")
        return len(set(seen)) > 3

    eventually(has_grown, "the checkpoint that answers name has moved on")
    log = ["--key", vkey, "--log", f"{home.instance.console}/log"]
    found = home.run("audit", "gossip", str(kept), *log, "--json", check=True).json()
    assert (found["consistent"], found["heads"]) == (True, len(seen))
    assert found["newest"] == max(seen)
    # Whoever was shown another log has it in writing.
    signer = log_signer(DataDir(home.data), clock=SystemClock(), entropy=SystemEntropy())
    fork = Checkpoint.sign(signer, size=max(seen), root=bytes(32))
    kept.write_text(kept.read_text() + field_value(fork))
    split = home.run("audit", "gossip", str(kept), "--key", vkey, "--json")
    assert split.code == 1
    assert [each["why"] for each in split.json()["contradictions"]] == [
        f"two roots over the same {max(seen)} entries"
    ]
