"""What every implementation of the Blobs port must do."""

import stat
from pathlib import Path

import pytest

from holdfast.world.ports import Blobs, WorldError
from holdfast.world.real.blobs import FileBlobs
from holdfast.world.sim.blobs import SimBlobs


@pytest.fixture(params=["real", "sim"])
def blobs(request, tmp_path: Path) -> Blobs:
    return FileBlobs(tmp_path / "data" / "log") if request.param == "real" else SimBlobs()


def test_an_object_is_read_as_it_was_written_last(blobs: Blobs) -> None:
    assert blobs.get("checkpoint") is None
    for data in (b"one", b"", b"three" * 10_000):
        blobs.put("checkpoint", data)
        assert blobs.get("checkpoint") == data


def test_many_objects_are_written_as_each_alone(blobs: Blobs) -> None:
    blobs.put("tile/0/000", b"old")
    blobs.put_all((f"tile/{n // 2}/00{n}", bytes([n])) for n in range(6))
    assert [blobs.get(f"tile/{n // 2}/00{n}") for n in range(6)] == [bytes([n]) for n in range(6)]
    with pytest.raises(WorldError, match="no object name"):
        blobs.put_all([("../x", b"")])


def test_names_under_a_folder_are_sorted_and_whole(blobs: Blobs) -> None:
    for name in ("tile/0/x001/000", "tile/0/000.p/7", "tile/0/000", "tile/1/000", "checkpoint"):
        blobs.put(name, b"x")
    assert blobs.names("tile/0/") == ["tile/0/000", "tile/0/000.p/7", "tile/0/x001/000"]
    assert blobs.names("tile/9/") == []
    assert len(blobs.names("")) == 5


def test_removing_is_idempotent_and_leaves_room_for_the_same_name(blobs: Blobs) -> None:
    blobs.put("tile/0/000.p/7", b"x")
    blobs.remove("tile/0/000.p/7")
    blobs.remove("tile/0/000.p/7")
    assert blobs.get("tile/0/000.p/7") is None
    assert blobs.names("") == []
    blobs.put("tile/0/000.p/7", b"y")
    assert blobs.get("tile/0/000.p/7") == b"y"


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "..", "../x", "a/../b", "a//b", "a/", ".hidden", "a/.b"]
)
def test_a_name_that_leads_elsewhere_is_refused(blobs: Blobs, name: str) -> None:
    for use in (blobs.get, blobs.remove, lambda n: blobs.put(n, b"x")):
        with pytest.raises(WorldError, match="no object name"):
            use(name)


def test_object_files_are_private_and_no_unfinished_ones_remain(tmp_path: Path) -> None:
    FileBlobs(tmp_path / "log").put("tile/0/000", b"x")
    files = [path for path in (tmp_path / "log").rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["000"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "log" / "tile").stat().st_mode) == 0o700


def test_what_a_crash_left_unfinished_is_no_object(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path / "log")
    blobs.put("tile/0/000", b"x")
    (tmp_path / "log" / "tile" / "0" / ".unfinished-001").write_bytes(b"half")
    assert blobs.names("") == ["tile/0/000"]
    blobs.put("tile/0/001", b"whole")
    assert blobs.get("tile/0/001") == b"whole"


def test_a_disk_s_refusal_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "tile").write_bytes(b"a file where a folder should be")
    with pytest.raises(WorldError, match="cannot write") as caught:
        FileBlobs(tmp_path / "log").put("tile/0/000", b"x")
    assert caught.value.fix


def test_a_simulated_disk_fills_up_and_keeps_the_old_object() -> None:
    blobs = SimBlobs(capacity=5)
    blobs.put("a", b"1234")
    with pytest.raises(WorldError, match="no space left"):
        blobs.put("a", b"12345678")
    assert blobs.get("a") == b"1234"
