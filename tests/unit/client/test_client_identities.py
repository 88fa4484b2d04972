"""A key stays in its file; an identity is replaced before it ends."""

import os
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from verifying_gateway import VerifyingGateway, agent

from holdfast.client import (
    Identity,
    KeyFileError,
    OriginError,
    RenewalError,
    Renewed,
    WitMissingError,
    by_command,
)
from holdfast.identity import PublicKey, SigningKey
from holdfast.identity.issuer import Issuer
from holdfast.world.real import SystemEntropy


def key_of(path: Path) -> PublicKey:
    return SigningKey.from_pem(path.read_bytes()).public


def test_a_new_key_is_its_owners_alone_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "desk.pem"
    Identity.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(KeyFileError):
        Identity.create(path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "desk.pem"
    Identity.create(path)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        Identity.load(path)


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "desk.pem"
    with pytest.raises(KeyFileError):
        Identity.load(path)
    path.write_text("nothing")
    path.chmod(0o600)
    with pytest.raises(KeyFileError):
        Identity.load(path)


def test_without_a_wit_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    identity = Identity.create(tmp_path / "desk.pem")
    assert repr(identity) == "Identity(not issued yet)"
    with pytest.raises(WitMissingError, match="holdfast identity issue"):
        _ = identity.name


@pytest.mark.parametrize(
    "form", ["{wit}", "{wit}\n\ndesk, until then; key x\n", '{{"wit":"{wit}"}}']
)
def test_what_the_command_prints_is_read(
    form: str, gateway: VerifyingGateway, tmp_path: Path
) -> None:
    path = tmp_path / "desk.pem"
    identity = Identity.create(path)
    path.with_suffix(".wit").write_text(form.format(wit=gateway.wit("desk", key_of(path))))
    assert identity.name == agent("desk")


@pytest.mark.parametrize("text", ["", "a.b.c", '{"wit":1}', "{"])
def test_what_is_no_wit_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "desk.pem"
    identity = Identity.create(path)
    path.with_suffix(".wit").write_text(text)
    with pytest.raises(WitMissingError):
        _ = identity.name


def test_a_wit_of_another_key_is_refused(gateway: VerifyingGateway, tmp_path: Path) -> None:
    gateway.identity(tmp_path, "desk")
    Identity.create(tmp_path / "clerk.pem")
    (tmp_path / "desk.wit").rename(tmp_path / "clerk.wit")
    with pytest.raises(WitMissingError, match="another key"):
        Identity.load(tmp_path / "clerk.pem")


# -- renewal ------------------------------------------------------------------------------------


def aged(gateway: VerifyingGateway, folder: Path, *, ago_s: int) -> Path:
    """A key whose WIT, good for ten minutes, was issued ``ago_s`` ago."""
    path = folder / "desk.pem"
    Identity.create(path)
    path.with_suffix(".wit").write_text(gateway.wit("desk", key_of(path), ago_s=ago_s))
    return path


def test_a_wit_is_renewed_in_the_last_third_of_its_life_and_kept(
    gateway: VerifyingGateway, tmp_path: Path
) -> None:
    path = aged(gateway, tmp_path, ago_s=450)
    asked: list[str] = []

    def renew() -> str:
        asked.append(gateway.wit("desk", key_of(path)))
        return asked[-1]

    identity = Identity.load(path, renew=renew)
    first = identity.expires
    assert identity.expires == first
    assert len(asked) == 1
    assert path.with_suffix(".wit").read_text().strip() == asked[0]
    assert path.with_suffix(".wit").stat().st_mode & 0o777 == 0o600


def test_a_wit_in_its_prime_is_left_alone(gateway: VerifyingGateway, tmp_path: Path) -> None:
    def renew() -> str:
        raise AssertionError

    identity = Identity.load(aged(gateway, tmp_path, ago_s=200), renew=renew)
    assert identity.name == agent("desk")


def test_a_file_that_something_else_renews_is_read_again(
    gateway: VerifyingGateway, tmp_path: Path
) -> None:
    path = aged(gateway, tmp_path, ago_s=700)
    identity = Identity.load(path)
    with pytest.raises(RenewalError):
        _ = identity.name
    path.with_suffix(".wit").write_text(gateway.wit("desk", key_of(path)))
    assert identity.name == agent("desk")


def test_a_renewal_that_fails_is_no_error_while_the_wit_is_good(
    gateway: VerifyingGateway, tmp_path: Path
) -> None:
    asked: list[int] = []

    def renew() -> str:
        asked.append(1)
        raise OSError("the issuer is down")

    identity = Identity.load(aged(gateway, tmp_path, ago_s=450), renew=renew)
    assert {identity.name for _ in range(5)} == {agent("desk")}
    assert len(asked) == 1  # and is not tried again at once


def test_a_renewal_that_fails_is_one_when_the_wit_has_ended(
    gateway: VerifyingGateway, tmp_path: Path
) -> None:
    def renew() -> str:
        raise OSError("the issuer is down")

    identity = Identity.load(aged(gateway, tmp_path, ago_s=700), renew=renew)
    with pytest.raises(RenewalError, match="the issuer is down"):
        _ = identity.name


def test_one_thread_renews_and_the_others_go_on(gateway: VerifyingGateway, tmp_path: Path) -> None:
    path = aged(gateway, tmp_path, ago_s=450)
    begun, go_on = threading.Event(), threading.Event()
    asked: list[int] = []

    def renew() -> str:
        asked.append(1)
        begun.set()
        go_on.wait(30)
        return gateway.wit("desk", key_of(path))

    identity = Identity.load(path, renew=renew)
    old = identity._wits.newest
    assert old is not None
    thread = threading.Thread(target=lambda: identity.name)
    thread.start()
    begun.wait(30)
    assert identity.expires == old.expires  # without waiting
    go_on.set()
    thread.join()
    assert identity.expires > old.expires
    assert len(asked) == 1


def test_an_identity_whose_keys_come_with_it_is_written_nowhere(gateway: VerifyingGateway) -> None:
    keys: list[SigningKey] = []

    def renew() -> Renewed:
        keys.append(SigningKey.generate(SystemEntropy()))
        return Renewed(gateway.wit("desk", keys[-1].public), keys[-1].pem())

    identity = Identity.renewed_by(renew, gateway=gateway.url)
    with identity.httpx_client() as client:
        assert client.get(f"{gateway.url}/v1/models").status_code == 200
    assert len(keys) == 1
    assert "PRIVATE" not in repr(Renewed("wit", keys[0].pem()))


def test_a_command_renews(gateway: VerifyingGateway, tmp_path: Path) -> None:
    path = aged(gateway, tmp_path, ago_s=700)
    text = tmp_path / "fresh"
    text.write_text(gateway.wit("desk", key_of(path)))
    assert Identity.load(path, renew=by_command("cat", str(text))).name == agent("desk")


@pytest.mark.parametrize("command", [("false",), ("no-such-command-here",)])
def test_a_command_that_fails_is_said(
    command: tuple[str, ...], gateway: VerifyingGateway, tmp_path: Path
) -> None:
    identity = Identity.load(aged(gateway, tmp_path, ago_s=700), renew=by_command(*command))
    with pytest.raises(RenewalError, match=command[0]):
        _ = identity.name


def test_where_credentials_may_go_must_be_said(gateway: VerifyingGateway, tmp_path: Path) -> None:
    gateway.identity(tmp_path, "desk")
    with pytest.raises(OriginError):
        Identity.load(tmp_path / "desk.pem").httpx_auth()


# -- forks, imports -----------------------------------------------------------------------------


def test_processes_forked_from_one_never_draw_the_same(
    gateway: VerifyingGateway, tmp_path: Path
) -> None:
    identity = gateway.identity(tmp_path, "desk")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, identity.headers("GET", gateway.url)["workload-proof-token"].encode())
        os._exit(0)
    os.waitpid(child, 0)
    ours = identity.headers("GET", gateway.url)["workload-proof-token"]
    theirs = os.read(reader, 65_536).decode()
    os.close(reader)
    os.close(writer)
    assert ours.split(".")[1] != theirs.split(".")[1]


def test_loading_the_library_loads_no_server_and_no_http_client() -> None:
    heavy = [
        "fastapi",
        "uvloop",
        "cedarpy",
        "uvicorn",
        "pydantic",
        "yaml",
        "httpx",
        "httpx2",
        "mcp",
    ]
    code = f"import sys, holdfast.client; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# -- mutual TLS ---------------------------------------------------------------------------------


def test_a_certificate_is_used_with_its_own_key_only(
    gateway: VerifyingGateway, tmp_path: Path
) -> None:
    desk, clerk = gateway.identity(tmp_path, "desk"), gateway.identity(tmp_path, "clerk")
    entropy, now = SystemEntropy(), gateway.clock.now()
    issuer = Issuer.found("holdfast.local", now=now, entropy=entropy)
    key = PublicKey.from_jwk(desk.public_key)
    der = issuer.issue_x509_svid(agent("desk"), key, now=now, entropy=entropy)
    file = tmp_path / "desk.crt"
    file.write_text(ssl.DER_cert_to_PEM_cert(der))
    assert desk.mtls_context(file).minimum_version is ssl.TLSVersion.TLSv1_3
    assert desk.mtls_context(file.read_bytes()).verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(KeyFileError):
        clerk.mtls_context(file)
    with pytest.raises(KeyFileError):
        desk.mtls_context(tmp_path / "none.crt")
