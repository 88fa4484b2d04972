"""What the scribe notes: every change that it sees between two looks, and nothing else."""

from holdfast.app.moments import WAITING_MAX, Scribe
from holdfast.faces import Live, WorkerState
from holdfast.gateway import Totals, UpstreamSeen

AT = 1_795_250_096_123_456


def live(*, workers=(), upstreams=()) -> Live:
    return Live(AT, workers, Totals(), (), (), (), upstreams)


def upstream(state: str) -> UpstreamSeen:
    return UpstreamSeen("model", "model-1", "http://127.0.0.1:1", state, 0, 1, None, None, 0, 0)


def kinds(scribe: Scribe) -> list[tuple[str, str]]:
    return [(each.kind, each.subject) for each in scribe.taken()]


def test_an_upstream_is_noted_when_its_state_changes() -> None:
    scribe = Scribe()
    for state in ("up", "open", "open", "half-open", "up"):
        scribe.look(live(upstreams=(upstream(state),)), None)
    assert [kind for kind, _ in kinds(scribe)] == [
        "upstream.open",
        "upstream.half-open",
        "upstream.up",
    ]
    assert kinds(scribe) == []


def test_a_worker_is_noted_when_it_comes_leaves_and_is_gone() -> None:
    scribe = Scribe()
    scribe.look(live(workers=(WorkerState(0, 11, True, None),)), None)
    scribe.look(live(workers=(WorkerState(0, 11, True, "no disk", leaving=True),)), None)
    scribe.look(live(workers=(WorkerState(0, 12, True, None),)), None)
    assert [kind for kind, _ in kinds(scribe)] == [
        "worker.started",
        "worker.fault",
        "worker.leaving",
        "worker.started",
        "worker.gone",
    ]


def test_trouble_of_the_log_is_noted_once_and_so_is_its_end() -> None:
    scribe = Scribe()
    for trouble in (None, "no disk", "no disk", None):
        scribe.look(live(), trouble)
    assert kinds(scribe) == [("log.stuck", "log"), ("log.recovered", "log")]


def test_what_waits_has_a_bound() -> None:
    scribe = Scribe()
    for number in range(WAITING_MAX + 5):
        scribe.note(AT, "blueprint.refused", subject=str(number))
    assert kinds(scribe)[0] == ("blueprint.refused", "5")
