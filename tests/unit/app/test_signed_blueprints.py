"""Only whoever is trusted may say which programs are started."""

from pathlib import Path

import pytest

from holdfast.app.files import load_blueprint, load_texts, problems_of
from holdfast.app.signing import NO_TRUST, SignatureError, read_trust, sign_blueprint
from holdfast.blueprint import BlueprintError

TEXT = """
holdfast: 1
name: x
nodes:
  bot: {type: "ai:agent", description: d}
  docs:
    type: ai:mcp-server
    description: d
    controls: {upstream: {command: [server], dialect: mcp}}
relationships:
  - {id: r, connects: [bot, docs]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "holdfast.yaml"
    path.write_text(TEXT)
    return path


def signed(file: Path, key: str = "key") -> str:
    return sign_blueprint(file, key_file=file.parent / key, name="ops.example/blueprint").vkey


def test_a_blueprint_signed_by_a_trusted_key_may_name_programs(file: Path) -> None:
    trust = read_trust((signed(file),), folder=None)
    loaded = load_blueprint(file, trust=trust)
    assert loaded.signed_by == "ops.example/blueprint"
    assert loaded.blueprint.nodes["docs"].program is not None  # type: ignore[index]
    assert problems_of(file, trust=trust) == ()
    # What a worker does with what its keeper sent.
    again = load_texts(loaded.source, loaded.text, loaded.files, signed=True)
    assert again.blueprint.digest == loaded.blueprint.digest
    with pytest.raises(BlueprintError):
        load_texts(loaded.source, loaded.text, loaded.files)


def test_the_key_is_made_once_for_its_owners_eyes_only(file: Path) -> None:
    first = sign_blueprint(file, key_file=file.parent / "key", name="a/b")
    second = sign_blueprint(file, key_file=file.parent / "key", name="other/name")
    assert (first.key_made, second.key_made) == (True, False)
    assert first.vkey == second.vkey
    assert (file.parent / "key").stat().st_mode & 0o777 == 0o600


def test_without_trust_a_signature_means_nothing(file: Path) -> None:
    signed(file)
    with pytest.raises(BlueprintError, match="signed blueprint"):
        load_blueprint(file, trust=NO_TRUST)


def test_a_stranger_s_signature_means_nothing(file: Path) -> None:
    ours = signed(file, "ours")
    signed(file, "theirs")
    with pytest.raises(SignatureError, match="no signature"):
        load_blueprint(file, trust=read_trust((ours,), folder=None))


def test_one_changed_byte_makes_it_unsigned(file: Path) -> None:
    trust = read_trust((signed(file),), folder=None)
    file.write_text(TEXT.replace("[server]", "[server2]"))
    with pytest.raises(SignatureError, match="changed since"):
        load_blueprint(file, trust=trust)


@pytest.mark.parametrize("note", [b"", b"\xff", b"text\n\n\xe2\x80\x94 a b\n", b"x" * 100_000])
def test_a_signature_file_that_is_none_is_no_signature(file: Path, note: bytes) -> None:
    trust = read_trust((signed(file),), folder=None)
    file.with_name(file.name + ".sig").write_bytes(note)
    with pytest.raises(SignatureError):
        load_blueprint(file, trust=trust)


def test_a_key_that_was_named_makes_a_signature_required(file: Path) -> None:
    trust = read_trust((signed(file),), folder=None)
    file.with_name(file.name + ".sig").unlink()
    with pytest.raises(SignatureError):
        load_blueprint(file, trust=trust)


def test_keys_in_the_data_folder_are_believed_and_ask_for_nothing(
    file: Path, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ops.vkey").write_text(signed(file) + "\n")
    trust = read_trust((), folder=tmp_path / "keys")
    assert load_blueprint(file, trust=trust).signed_by == "ops.example/blueprint"
    file.write_text(TEXT.replace("command: [server]", "url: 'http://127.0.0.1:9/mcp'"))
    assert load_blueprint(file, trust=trust).signed_by is None


def test_a_key_may_be_named_by_its_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "ops.pub").write_text(signed(file))
    trust = read_trust((str(tmp_path / "ops.pub"),), folder=None)
    assert load_blueprint(file, trust=trust).signed_by == "ops.example/blueprint"


@pytest.mark.parametrize("word", ["", "absent", "a+b+c", "name+00000000+AAAA"])
def test_a_key_that_is_none_is_refused_before_anything_starts(word: str) -> None:
    with pytest.raises(SignatureError, match="no key to trust"):
        read_trust((word,), folder=None)


@pytest.mark.parametrize("line", ["", "junk", "PRIVATE+KEY+a+b+c", "PRIVATE+KEY+a+0+AAAA"])
def test_a_key_file_that_holds_no_key_is_told(file: Path, line: str) -> None:
    (file.parent / "key").write_text(line)
    with pytest.raises(SignatureError):
        signed(file)
