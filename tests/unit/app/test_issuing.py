"""The issuer's keys on disk: founded once, rotated whole, readable by their owner only."""

import stat
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from holdfast.app import wiring
from holdfast.app.datadir import DataDir
from holdfast.app.issuing import IssuingError, issue_identity, issuer_of, open_issuer
from holdfast.cli import main
from holdfast.core import HoldfastError, Instant, NodeId
from holdfast.identity import KeyRefusedError, SigningKey, Trust, read_bundle
from holdfast.identity.issuer import SIGNS_S
from holdfast.identity.spiffe import Principal
from holdfast.identity.wimse import verify_wit
from holdfast.world.real import SystemClock, SystemEntropy
from holdfast.world.sim import SimEntropy

NAME = "spiffe://example.org/t/main/agent/review"


class FixedClock:
    """A clock that stands still."""

    def __init__(self, at: Instant) -> None:
        self._at = at

    def now(self) -> Instant:
        return self._at

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    found = DataDir(tmp_path / "data")
    found.create()
    wiring.open_store(found).close()
    found.remember_nodes({NodeId("review"): Principal(NAME)})
    return found


def test_the_issuer_is_founded_once_and_is_the_same_for_everybody(data: DataDir) -> None:
    one, two = issuer_of(data), issuer_of(data)
    assert one.bundle().document() == two.bundle().document()
    file = data.path / "keys" / "issuer.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_keys_are_on_disk_before_they_sign_and_old_tokens_stay_good(data: DataDir) -> None:
    clock, entropy = FixedClock(Instant(1_790_000_000_000_000)), SimEntropy(1)
    first = open_issuer(data, "example.org", clock=clock, entropy=entropy)
    later = FixedClock(Instant(clock.now() + (SIGNS_S - 60) * 1_000_000))
    key = SigningKey.generate(entropy)
    token = first.issue_wit(NAME, key.public, now=later.now(), entropy=entropy)
    after = FixedClock(Instant(later.now() + 120 * 1_000_000))
    second = open_issuer(data, "example.org", clock=after, entropy=entropy)
    assert second.sequence > first.sequence
    verify_wit(token.encode(), Trust([second.bundle()]), now=after.now())
    again = open_issuer(data, "example.org", clock=after, entropy=entropy)
    assert again.bundle().document() == second.bundle().document()


def test_another_trust_domain_does_not_take_the_keys_over(data: DataDir) -> None:
    issuer_of(data)
    with pytest.raises(IssuingError):
        open_issuer(data, "other.org", clock=SystemClock(), entropy=SystemEntropy())


def test_a_broken_file_of_keys_is_never_written_over(data: DataDir) -> None:
    issuer_of(data)
    file = data.path / "keys" / "issuer.json"
    file.write_bytes(file.read_bytes()[:-10])
    broken = file.read_bytes()
    with pytest.raises(HoldfastError):
        issuer_of(data)
    assert file.read_bytes() == broken


def test_an_identity_is_issued_to_whoever_holds_the_key(data: DataDir, tmp_path: Path) -> None:
    file = tmp_path / "agent.pem"
    issued = issue_identity(data, "review", key_file=file, lifetime_s=600, is_new=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = SigningKey.from_pem(file.read_bytes())
    wit = verify_wit(
        issued.wit.encode(), Trust([issuer_of(data).bundle()]), now=SystemClock().now()
    )
    assert (wit.subject, wit.key) == (NAME, key.public)
    public = tmp_path / "agent.jwk"
    public.write_bytes(msgspec.json.encode(key.public.jwk()))
    again = issue_identity(data, "review", key_file=public, lifetime_s=600)
    assert again.thumbprint == issued.thumbprint
    with pytest.raises(HoldfastError):  # never over an old key
        issue_identity(data, "review", key_file=file, lifetime_s=600, is_new=True)


def test_nothing_is_issued_to_unknown_nodes_or_for_what_is_no_key(
    data: DataDir, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text("no key")
    with pytest.raises(KeyRefusedError):
        issue_identity(data, "review", key_file=file, lifetime_s=600)
    with pytest.raises(IssuingError):
        issue_identity(data, "stranger", key_file=file, lifetime_s=600)
    with pytest.raises(HoldfastError):
        issue_identity(data, "review", key_file=tmp_path / "none", lifetime_s=600)


def test_the_commands_print_a_wit_and_what_verifies_it(data: DataDir, tmp_path: Path) -> None:
    where = ["--data", str(data.path)]
    key = ["--key", str(tmp_path / "k.pem"), "--new"]
    issued = CliRunner().invoke(main, ["identity", "issue", "review", *key, "--json", *where])
    assert issued.exit_code == 0, issued.output
    bundle = CliRunner().invoke(main, ["identity", "bundle", *where])
    wit = msgspec.json.decode(issued.output)["wit"]
    trust = Trust([read_bundle("example.org", bundle.output.encode())])
    assert verify_wit(wit.encode(), trust, now=SystemClock().now()).subject == NAME
    jwks = CliRunner().invoke(main, ["identity", "jwks", *where])
    assert all("d" not in key for key in msgspec.json.decode(jwks.output)["keys"])
