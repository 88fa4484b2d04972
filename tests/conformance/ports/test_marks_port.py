"""What is marked by one process is marked for all."""

import multiprocessing
import os
import time
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from multiprocessing.queues import Queue
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.identity.proofs.replay import LocalMarks
from holdfast.world.ports import Marks, WorldError
from holdfast.world.real import FileMarks

REGIONS = 3
PROOFS = 300
EXAMPLES = count()


def digest(name: object) -> bytes:
    return sha256(str(name).encode()).digest()


@pytest.fixture(params=["real", "local"])
def workers(request: pytest.FixtureRequest, tmp_path: Path) -> list[Marks]:
    if request.param == "local":
        return [LocalMarks()] * REGIONS
    path = tmp_path / "marks"
    return [FileMarks(path, region=region, regions=REGIONS) for region in range(REGIONS)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    uses=st.lists(
        st.tuples(st.integers(0, REGIONS - 1), st.integers(0, 5), st.integers(0, 4)), max_size=40
    ),
    start=st.integers(0, 2**31),
)
def test_a_mark_is_kept_through_its_generation_and_the_next(
    workers: list[Marks], uses: list[tuple[int, int, int]], start: int
) -> None:
    generation, last, example = start, dict[int, int](), next(EXAMPLES)
    for worker, name, later in uses:
        generation += later
        is_new = workers[worker].mark(digest((example, name)), generation)
        since = generation - last.get(name, -9)
        assert is_new if since > 2 else not is_new or since == 2
        if is_new:
            last[name] = generation


def test_marks_outlive_the_process_that_made_them(tmp_path: Path) -> None:
    path = tmp_path / "marks"
    first = FileMarks(path, region=0, regions=REGIONS)
    assert first.mark(digest(1), 7)
    del first
    again = FileMarks(path, region=0, regions=REGIONS)
    assert not again.mark(digest(1), 7)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_region_that_nobody_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorldError):
        FileMarks(tmp_path / "marks", region=3, regions=3)


def test_a_disk_without_room_is_an_error_and_not_a_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = FileMarks(tmp_path / "marks", region=0, regions=1)
    monkeypatch.setattr(os, "pwrite", _no_room)
    with pytest.raises(WorldError):
        marks.mark(digest(1), 7)


def _no_room(*_: object) -> int:
    raise OSError(28, "No space left on device")


def _race(path: Path, region: int, begin: float, heard: "Queue[tuple[int, list[bool]]]") -> None:
    marks = FileMarks(path, region=region, regions=REGIONS)
    while time.monotonic() < begin:
        pass
    heard.put((region, [marks.mark(digest(number), 7) for number in range(PROOFS)]))


def test_of_processes_that_mark_the_same_at_once_at_most_one_hears_that_it_is_new(
    tmp_path: Path,
) -> None:
    spawn = multiprocessing.get_context("fork")
    heard: Queue[tuple[int, list[bool]]] = spawn.Queue()
    make: Callable[..., multiprocessing.process.BaseProcess] = spawn.Process
    begin = time.monotonic() + 0.1
    racers = [make(target=_race, args=(tmp_path / "m", r, begin, heard)) for r in range(REGIONS)]
    for racer in racers:
        racer.start()
    said = dict(heard.get(timeout=30) for _ in racers)
    for racer in racers:
        racer.join(30)
    new = [sum(said[region][number] for region in range(REGIONS)) for number in range(PROOFS)]
    assert max(new) == 1
    assert sum(new) > 0
