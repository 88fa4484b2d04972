"""``holdfast model check`` and the model of a passport: links, digests, and what is refused."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from holdfast.app.datadir import DataDir
from holdfast.app.models import ModelLinkError, ModelRefusedError, check_model, require_model
from holdfast.app.passports import Parts, create_passport, show_passport
from holdfast.app.wiring import open_store
from holdfast.cli import main
from holdfast.core import HoldfastError

WEIGHTS = b"\x02\x00\x00\x00\x00\x00\x00\x00{}"
HOSTILE = b"\x80\x04cinspect\ngetattr_static\n."
AGENT = "spiffe://example.org/t/acme/agent/reviewer"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "small-model"
    (folder / "more").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    (folder / "more" / "config.json").write_bytes(b"{}")
    return folder


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_a_folder_is_admitted_when_every_file_in_it_is(model: Path) -> None:
    ended = run("model", "check", model, "--json")
    found = json.loads(ended.output)
    assert (ended.exit_code, found["admitted"]) == (0, True)
    assert [each["name"] for each in found["files"]] == ["model.safetensors", "more/config.json"]
    (model / "more" / "data.pkl").write_bytes(HOSTILE)
    ended = run("model", "check", model)
    assert ended.exit_code == 1
    assert "it names inspect.getattr_static [model.pickle]" in ended.output
    assert "not admitted" in ended.output


def test_the_digest_of_a_file_is_its_own_and_that_of_a_folder_changes_with_any_name_or_byte(
    model: Path,
) -> None:
    file = model / "model.safetensors"
    assert check_model(file).digest == "sha256:" + hashlib.sha256(WEIGHTS).hexdigest()
    digests = {check_model(model).digest}
    file.write_bytes(WEIGHTS[:-2] + b"{ ")
    digests.add(check_model(model).digest)
    file.write_bytes(WEIGHTS)
    (model / "more" / "config.json").rename(model / "config.json")
    digests.add(check_model(model).digest)
    assert len(digests) == 3


def test_a_folder_of_one_file_within_a_folder_is_not_that_file(model: Path) -> None:
    (model / "model.safetensors").unlink()
    only = model / "more" / "config.json"
    assert check_model(model).digest != check_model(only).digest


def test_links_and_what_is_no_file_are_refused(model: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.safetensors"
    link.symlink_to(model / "model.safetensors")
    with pytest.raises(ModelLinkError):
        check_model(link)
    within = model / "aside.json"
    within.symlink_to("/etc/hostname")
    with pytest.raises(ModelLinkError):
        check_model(model)
    within.unlink()
    (tmp_path / "folder").symlink_to(model, target_is_directory=True)
    with pytest.raises(ModelLinkError):
        check_model(tmp_path / "folder")
    os.mkfifo(model / "pipe.json")
    with pytest.raises(ModelLinkError):  # and nobody waits for a writer
        check_model(model)


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    assert not check_model(tmp_path).admitted
    with pytest.raises(ModelRefusedError, match="no files"):
        require_model(tmp_path)


def test_what_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    ended = run("model", "check", tmp_path / "absent", "--json")
    assert (ended.exit_code, json.loads(ended.output)["error"]["code"]) == (1, "file.unreadable")


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "data")
    made.create()
    open_store(made).close()
    return made


def parts(**more: object) -> Parts:
    return Parts(org="Org", contact="ops@example.org", tier=1, **more)  # type: ignore[arg-type]


def test_a_passport_takes_the_digest_of_a_model_that_is_admitted(
    data: DataDir, model: Path
) -> None:
    create_passport(data, AGENT, file=None, parts=parts(model_files=model), replace=False)
    built = show_passport(data, AGENT).passport["made_of"]
    assert isinstance(built, dict)
    assert built["model"] == {"ref": "small-model", "digest": check_model(model).digest}
    before = check_model(model).digest
    (model / "NOTICE").write_bytes(b"new")
    form = model.parent / "passport.json"
    named = {"model": {"files": "small-model", "digest": before}}
    form.write_text(json.dumps({"build": named}))
    with pytest.raises(HoldfastError, match="not the one given"):
        create_passport(data, AGENT, file=form, parts=parts(), replace=True)


def test_no_passport_is_made_of_a_model_that_is_not_admitted(data: DataDir, model: Path) -> None:
    (model / "data.pkl").write_bytes(HOSTILE)
    with pytest.raises(ModelRefusedError, match=r"data\.pkl.*model\.pickle"):
        create_passport(data, AGENT, file=None, parts=parts(model_files=model), replace=False)
    with pytest.raises(HoldfastError, match="no passport"):
        show_passport(data, AGENT)
