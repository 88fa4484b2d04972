"""What ``holdfast status`` tells: whether the system holds, and what to look at if it does not."""

from collections.abc import Iterator

import msgspec

from holdfast.app import wiring
from holdfast.app.datadir import DataDir, InstanceInfo
from holdfast.app.past import open_history
from holdfast.app.picture import Budget, LiveSeen, ObjectiveSeen, Picture, picture_of
from holdfast.audit import Checkpoint, NoLogError, Verifier
from holdfast.core import HoldfastError, Instant
from holdfast.history import BEHIND_MAX, Traffic
from holdfast.world.ports import Clock
from holdfast.world.real import SystemClock

WINDOW_S = 300
NEAR_END = 0.8
"""From this share on a budget is told."""
_SECOND_US = 1_000_000
_MINUTE_US = 60 * _SECOND_US
_OUT = frozenset(("open", "ejected", "down"))


class Lately(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that ended in the last ``window_s`` seconds."""

    window_s: float
    calls: int
    answered: int
    refused: int
    failed: int
    cancelled: int


class Head(msgspec.Struct, frozen=True):
    """The newest checkpoint; ``at`` is when it was written."""

    size: int
    root: str
    at: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """``reasons`` say why the system does not hold, ``notes`` what else somebody should look at."""

    holds: bool
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    at: int
    data: str
    instance: InstanceInfo | None
    system: str | None
    blueprint: str | None
    live: LiveSeen | None
    near_end: tuple[Budget, ...]
    objectives: tuple[ObjectiveSeen, ...]
    lately: Lately | None
    checkpoint: Head | None


def look_over_now(data: DataDir) -> Overview:
    """The same at this moment."""
    return look_over(data, SystemClock())


def look_over(data: DataDir, clock: Clock) -> Overview:
    """Everything at once; what cannot be known is left out, and said in the notes."""
    now, instance = clock.now(), data.instance()
    reasons, notes = list[str](), list[str]()
    picture = None
    if instance is None:
        reasons.append("no instance is running here")
    else:
        try:
            picture = picture_of(data)
        except HoldfastError as error:
            reasons.append(error.what)
    if picture is not None:
        reasons += _reasons(picture)
        notes += _notes(picture)
    lately, head = None, None
    try:
        head = _head(data)
        lately, behind = _lately(data, instance, now=now, size=head.size)
        notes += behind
    except HoldfastError as error:
        notes.append(error.what)
    return Overview(
        holds=not reasons,
        reasons=tuple(reasons),
        notes=tuple(notes),
        at=now,
        data=str(data.path),
        instance=instance,
        system=picture.system if picture else instance.name if instance else None,
        blueprint=picture.blueprint if picture else None,
        live=picture.live if picture else None,
        near_end=tuple(filter(_is_near_end, picture.live.budgets)) if picture else (),
        objectives=picture.objectives if picture else (),
        lately=lately,
        checkpoint=head,
    )


def _reasons(picture: Picture) -> Iterator[str]:
    if picture.trouble is not None:
        yield picture.trouble
    live = picture.live
    nodes = dict.fromkeys(each.node for each in live.upstreams)
    for node in nodes:
        if all(each.state in _OUT for each in live.upstreams if each.node == node):
            yield f"no upstream of '{node}' takes calls"
    if live.alarms:
        yield f"{_so_many(len(live.alarms), 'call')} begun and without outcome"
    for each in picture.objectives:
        if each.state in ("spent", "burning-fast"):
            yield f"objective {each.id}: {each.state.replace('-', ' ')}"


def _notes(picture: Picture) -> Iterator[str]:
    live = picture.live
    ill = [each for each in live.upstreams if each.state != "up"]
    if ill:
        yield "not up: " + ", ".join(f"{each.upstream} ({each.state})" for each in ill)
    if live.approvals:
        plural = "s" if len(live.approvals) == 1 else ""
        yield f"{_so_many(len(live.approvals), 'call')} wait{plural} for a person"
    for budget in filter(_is_near_end, live.budgets):
        yield f"budget {budget.account} in {budget.unit} is nearly or wholly spent"
    for each in picture.objectives:
        if each.state == "burning-slow":
            yield f"objective {each.id}: burning slow"
    yield from picture.anomalies
    for name, count in picture.dropped.items():
        if count:
            yield f"telemetry for {name} lost {count}"


def _is_near_end(budget: Budget) -> bool:
    return budget.soft_exceeded or budget.spent >= NEAR_END * budget.limit


def _so_many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _lately(
    data: DataDir, instance: InstanceInfo | None, *, now: Instant, size: int
) -> tuple[Lately, list[str]]:
    """Since a whole minute, as the history counts by minutes; not before the instance's start. And
    what is to be said of a history that is still being made."""
    since = (now - WINDOW_S * _SECOND_US) // _MINUTE_US * _MINUTE_US
    with open_history(data) as history:
        rows = history.traffic(since, now)
        upto = history.extent().upto
    began = max(since, instance.started if instance else since)
    behind = size - upto
    notes = [f"the history lacks the newest {behind:,} entries of the log"]
    lately = Lately(
        window_s=max(1.0, (now - began) / _SECOND_US),
        calls=_sum(rows, "calls"),
        answered=_sum(rows, "answered"),
        refused=_sum(rows, "refused"),
        failed=_sum(rows, "failed"),
        cancelled=_sum(rows, "cancelled"),
    )
    return lately, notes if behind > BEHIND_MAX else []


def _sum(rows: tuple[Traffic, ...], name: str) -> int:
    return sum(getattr(row, name) for row in rows)


def _head(data: DataDir) -> Head:
    """Read and verified without the database: a status is asked for when things are not well too."""
    path = data.log / "checkpoint"
    try:
        note, at = path.read_bytes(), path.stat().st_mtime
    except OSError as error:
        raise NoLogError(f"there is no checkpoint at {path}: {error.strerror}") from error
    found = Checkpoint.open(note, Verifier.parse(wiring.public_key(data)))
    return Head(found.size, found.root.hex(), int(at * _SECOND_US))
