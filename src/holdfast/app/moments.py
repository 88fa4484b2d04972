"""What happens to the system beside its calls, noted for the history: seen by comparing one look at
the system with the next."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from holdfast.faces import Live, WorkerState
from holdfast.gateway import UpstreamSeen, UpstreamState
from holdfast.history import Moment

WAITING_MAX = 1_000
"""Moments that wait to be written; the oldest give way."""

_Upstreams: TypeAlias = dict[tuple[str, str], UpstreamState]


class Scribe:
    """Looks at the system now and then, off every call's path. One thread looks; another may take."""

    def __init__(self) -> None:
        self._waiting: deque[Moment] = deque(maxlen=WAITING_MAX)
        self._upstreams: _Upstreams = {}
        self._workers: dict[tuple[int, int], WorkerState] = {}
        self._trouble: str | None = None

    def note(self, at: int, kind: str, *, subject: str, text: str = "") -> None:
        """Something happened."""
        self._waiting.append(Moment(at=at, kind=kind, subject=subject, text=text))

    def look(self, live: Live, trouble: str | None) -> None:
        """The system as it is; ``trouble`` is what keeps the log, if anything does."""
        upstreams = {(each.node, each.upstream): each for each in live.upstreams}
        workers = {(each.worker, each.pid): each for each in live.workers}
        for kind, subject, text in (
            *_of_upstreams(self._upstreams, tuple(upstreams.values())),
            *_of_workers(self._workers, workers),
            *_of_log(self._trouble, trouble),
        ):
            self.note(live.at, kind, subject=subject, text=text)
        self._upstreams = {key: each.state for key, each in upstreams.items()}
        self._workers, self._trouble = workers, trouble

    def taken(self) -> Sequence[Moment]:
        """What waited; it waits no longer."""
        found: list[Moment] = []
        while self._waiting:
            found.append(self._waiting.popleft())
        return found


def _of_upstreams(
    before: _Upstreams, now: Sequence[UpstreamSeen]
) -> Iterator[tuple[str, str, str]]:
    for each in now:
        was = before.get((each.node, each.upstream), "up")
        if each.state != was:
            name = each.node if each.node == each.upstream else f"{each.node}/{each.upstream}"
            yield f"upstream.{each.state}", name, f"was {was}"


def _of_workers(
    before: dict[tuple[int, int], WorkerState], now: dict[tuple[int, int], WorkerState]
) -> Iterator[tuple[str, str, str]]:
    for key, worker in now.items():
        known = before.get(key)
        subject = f"worker {worker.worker}"
        if known is None:
            yield "worker.started", subject, f"process {worker.pid}"
        if worker.fault is not None and (known is None or known.fault is None):
            yield "worker.fault", subject, worker.fault
        if worker.leaving and (known is None or not known.leaving):
            yield "worker.leaving", subject, f"process {worker.pid} finishes its calls"
    for number, pid in sorted(before.keys() - now.keys()):
        yield "worker.gone", f"worker {number}", f"process {pid}"


def _of_log(before: str | None, now: str | None) -> Iterator[tuple[str, str, str]]:
    if now is not None and before is None:
        yield "log.stuck", "log", now
    elif now is None and before is not None:
        yield "log.recovered", "log", ""
