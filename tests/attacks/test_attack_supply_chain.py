"""Number 20: packages that run code by being installed, and model files that do by being loaded.

What every start of Python imports is looked at by tests/house/test_supply_chain.py.
"""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from live import Home, chat

pytestmark = pytest.mark.slow

GETATTR_STATIC = (
    b"\x80\x04cinspect\ngetattr_static\n(cimportlib\nimport_module\n(X\x02\x00\x00\x00ostR"
    b"X\x06\x00\x00\x00systemtR(X\x02\x00\x00\x00idtR."
)


def wheel(folder: Path, **files: str) -> Path:
    """A small wheel that installs these files beside its module."""
    made = folder / "innocent-1.0-py3-none-any.whl"
    info = "innocent-1.0.dist-info"
    contents = {
        "innocent.py": "",
        **{name.replace("__", "."): text for name, text in files.items()},
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: innocent\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in contents) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in contents.items():
            archive.writestr(name, text)
    return made


def install(folder: Path, digest: str) -> subprocess.CompletedProcess[str]:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"innocent==1.0 --hash=sha256:{digest}\n")
    words = ["-m", "pip", "install", "--no-index", "--find-links", str(folder), "--target"]
    words += [str(folder / "site"), "--require-hashes", "-r", str(requirements), "--no-input"]
    return subprocess.run(
        [sys.executable, "-I", *words], capture_output=True, text=True, check=False
    )


def test_20_a_package_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    made = wheel(tmp_path)
    locked = hashlib.sha256(made.read_bytes()).hexdigest()
    wheel(tmp_path, litellm_init__pth="import os; os.system('id')\n")
    refused = install(tmp_path, locked)
    assert refused.returncode != 0
    assert "hash" in refused.stderr.lower()
    assert not (tmp_path / "site").exists()


def test_20_a_package_that_brings_a_start_up_file_is_refused_before_it_is_used(
    tmp_path: Path,
) -> None:
    site = tmp_path / "lib" / "python3" / "site-packages"
    site.mkdir(parents=True)
    ran = tmp_path / "ran"
    with zipfile.ZipFile(wheel(tmp_path, zz__pth=f"import os; open({str(ran)!r}, 'w')\n")) as held:
        held.extractall(site)
    tool = Path(__file__).parents[2] / "tools" / "check_startup_hooks.py"
    refused = subprocess.run(
        [sys.executable, "-I", "-S", str(tool), str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "zz.pth" in refused.stderr
    assert not ran.exists()


def test_20_modules_planted_where_holdfast_is_started_are_not_imported(home: Home) -> None:
    ran = home.folder / "ran"
    for name in ("json", "msgspec", "uvloop", "asyncio", "holdfast", "sitecustomize"):
        (home.folder / f"{name}.py").write_text(f"open({str(ran)!r}, 'a').write(__name__)\n")
    home.up("--workers", "2")
    home.make_keys("desk")
    assert chat(home.url, home.keys["desk"]).status == 200
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in home.instance.workers()]
    workers = [command.split(b"\0") for command in commands if b"holdfast.app.worker" in command]
    assert len(workers) == 2
    assert all({b"-I", b"-P"} & set(command) for command in workers)
    assert not ran.exists()


def test_20_a_model_with_a_pickle_that_passed_a_scanner_is_not_admitted(home: Home) -> None:
    model = home.folder / "model"
    model.mkdir()
    (model / "pytorch_model.bin").write_bytes(GETATTR_STATIC)
    checked = home.run("model", "check", str(model), "--json")
    assert checked.code == 1
    assert checked.json()["files"][0]["verdict"]["why"] == "it names inspect.getattr_static"
    home.up()
    words = ["passport", "create", "desk", "--org", "O", "--contact", "c", "--tier", "1", "--json"]
    words += ["--model-files", str(model), "--data", str(home.data)]
    refused = home.run(*words)
    assert refused.json()["error"]["code"] == "model.not-admitted"
    assert home.tell("passport", "list")["passports"] == []
