"""Secrets of a data directory: made once, whoever asks first, and however many ask at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from holdfast.app.datadir import DataDir
from holdfast.world.sim import SimEntropy

ASKING = 8


def test_all_who_use_a_key_first_at_once_have_the_same(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.create()
    for turn in range(20):
        ready = Barrier(ASKING)

        def ask(number: int, name: str = f"key-{turn}", ready: Barrier = ready) -> bytes:
            ready.wait()
            return data.key(name, SimEntropy(number))

        with ThreadPoolExecutor(ASKING) as pool:
            assert len(set(pool.map(ask, range(ASKING)))) == 1


def test_all_who_write_a_file_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.create()
    for _ in range(20):
        ready = Barrier(ASKING)

        def write(number: int, ready: Barrier = ready) -> None:
            ready.wait()
            data.remember_store(f"postgresql://host/{number}" * 50)

        with ThreadPoolExecutor(ASKING) as pool:
            list(pool.map(write, range(ASKING)))
        written = data.store_address()
        assert written in {f"postgresql://host/{number}" * 50 for number in range(ASKING)}
    assert [path.name for path in data.path.iterdir() if path.name.endswith(".new")] == []
