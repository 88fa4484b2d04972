"""What every implementation of the Journals port must do."""

import asyncio
import stat
from pathlib import Path

import pytest

from holdfast.world.ports import Journals, WorldError
from holdfast.world.real.journals import FileJournals
from holdfast.world.sim import SimEntropy
from holdfast.world.sim.journals import SimJournals


@pytest.fixture(params=["real", "sim"])
def journals(request, tmp_path: Path) -> Journals:
    if request.param == "real":
        return FileJournals(tmp_path / "data" / "journal")
    return SimJournals(SimEntropy(1), delay_s=(0.0, 0.0))


def test_appends_stand_one_after_the_other(journals: Journals) -> None:
    async def main() -> None:
        writer = journals.create("one.journal")
        assert journals.read("one.journal", start=0, limit=100) == b""
        await writer.append(b"first ")
        await writer.append(b"second")
        writer.close()
        writer.close()

    asyncio.run(main())
    assert journals.read("one.journal", start=0, limit=100) == b"first second"
    assert journals.read("one.journal", start=6, limit=3) == b"sec"
    assert journals.read("one.journal", start=12, limit=3) == b""
    assert journals.read("one.journal", start=99, limit=3) == b""


def test_a_large_append_is_whole(journals: Journals) -> None:
    data = bytes(range(256)) * 20_000

    async def main() -> None:
        writer = journals.create("one")
        await writer.append(data)
        writer.close()

    asyncio.run(main())
    assert journals.read("one", start=0, limit=len(data) + 1) == data


def test_a_journal_is_made_only_once(journals: Journals) -> None:
    journals.create("one").close()
    with pytest.raises(WorldError, match="one"):
        journals.create("one")


def test_names_are_sorted(journals: Journals) -> None:
    for name in ("w2-1.journal", "w1-2.journal", "w1-1.journal"):
        journals.create(name).close()
    assert journals.names() == ["w1-1.journal", "w1-2.journal", "w2-1.journal"]


def test_removing_is_idempotent_and_reading_what_is_gone_fails(journals: Journals) -> None:
    journals.create("one").close()
    journals.remove("one")
    journals.remove("one")
    assert journals.names() == []
    with pytest.raises(WorldError):
        journals.read("one", start=0, limit=1)


def test_a_closed_writer_refuses(journals: Journals) -> None:
    async def main() -> None:
        writer = journals.create("one")
        writer.close()
        with pytest.raises(WorldError, match="closed"):
            await writer.append(b"late")

    asyncio.run(main())


@pytest.mark.parametrize("name", ["", "..", ".hidden", "../one", "a/b", "A", "a b", "a\x00", "a\n"])
def test_a_name_that_is_no_journal_name_is_refused(journals: Journals, name: str) -> None:
    for use in (journals.create, journals.remove, lambda n: journals.read(n, start=0, limit=1)):
        with pytest.raises(WorldError, match="no journal name"):
            use(name)


def test_journal_files_are_private(tmp_path: Path) -> None:
    FileJournals(tmp_path / "journal").create("one").close()
    assert stat.S_IMODE((tmp_path / "journal" / "one").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "journal").stat().st_mode) == 0o700


def test_a_disk_s_refusal_names_the_file_and_a_way_out(tmp_path: Path) -> None:
    journals = FileJournals(tmp_path / "journal")

    async def main() -> None:
        writer = journals.create("one")
        full = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - the writer closes the number
        writer._fd, fd = full.fileno(), writer._fd
        with pytest.raises(WorldError, match="one: No space left on device") as caught:
            await writer.append(b"data")
        assert "free disk space" in caught.value.fix
        writer._fd = fd
        writer.close()
        full.close()

    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    asyncio.run(main())


def test_a_simulated_disk_fills_up_and_keeps_the_prefix_that_fitted() -> None:
    journals = SimJournals(SimEntropy(1), capacity=5)

    async def main() -> None:
        writer = journals.create("one")
        with pytest.raises(WorldError, match="no space left"):
            await writer.append(b"1234567")

    asyncio.run(main())
    assert journals.read("one", start=0, limit=10) == b"12345"


@pytest.mark.parametrize("seed", range(6))
def test_a_simulated_crash_keeps_a_prefix_of_the_append_under_way_and_all_before(seed: int) -> None:
    async def main() -> bytes:
        journals = SimJournals(SimEntropy(seed), delay_s=(0.001, 0.001))
        writer = journals.create("one")
        await writer.append(b"durable ")
        task = asyncio.get_running_loop().create_task(writer.append(b"under way"))
        await asyncio.sleep(0)
        journals.crash()
        await asyncio.sleep(0.005)
        assert not task.done()
        task.cancel()
        return journals.read("one", start=0, limit=100)

    kept = asyncio.run(main())
    assert kept.startswith(b"durable ")
    assert b"durable under way".startswith(kept)
    assert kept == asyncio.run(main())
